"""Run folders to data frames; figures and tables read nothing else."""

import shlex
import warnings
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics, probes
from urnn_bench.records.folder import METRICS, PROBES, records
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import FINAL, Record

Found = tuple[Path, Record]
Key = Callable[[Record], Hashable]


@dataclass(frozen=True)
class Results:
    """The runs of one benchmark: one row a run, and one row a measured value.

    ``command`` is what makes more of them, ``criterion`` the metric that training lowers; it is
    empty if no run got as far as a score.
    """

    benchmark: str
    command: str
    runs: pd.DataFrame
    metrics: pd.DataFrame
    records: tuple[Record, ...]
    folders: tuple[Path, ...]
    criterion: str
    probed: frozenset[str]

    @cached_property
    def probes(self) -> pd.DataFrame:
        """What probes read over time: run, model, T, seed, step, probe, state, t, value.

        ``T`` is the length trained on; ``length`` that of the sequences looked at.
        """
        pairs = zip(self.folders, self.records, strict=True)
        frames = [_probes(*pair) for pair in pairs if pair[0].name in self.probed]
        columns = [*probes.Reading._fields, "run", "model", "T", "seed", "length"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def at(self, lengths: Collection[int]) -> "Results":
        """Return the runs of some lengths."""
        kept = [i for i, record in enumerate(self.records) if record.run.T in lengths]
        return replace(
            self,
            runs=self.runs[self.runs["T"].isin(lengths)],
            metrics=self.metrics[self.metrics["T"].isin(lengths)],
            records=tuple(self.records[i] for i in kept),
            folders=tuple(self.folders[i] for i in kept),
        )

    def baselines(self, metric: str, T: int) -> dict[str, float]:
        """Return the reference predictors' values of a metric at a length."""
        found = (r.baselines.get(metric, {}) for r in self.records if r.run.T == T)
        known = next((baselines for baselines in found if baselines), {})
        return {name: value for name, value in known.items() if value is not None}


def load(results: Path, benchmark: str, command: str | None = None) -> Results:
    """Read every run of a benchmark; raise NothingToShowError if there is none.

    ``command`` is what makes more of them, `urnn-bench run` with its name if not given.

    Runs are compared only if they were asked for with the same settings. Of several settings for
    one length, and of several protocols for one model and length (the file has changed), those
    asked for last are kept, with a warning: an average over protocols means nothing.
    """
    command = command or shlex.join(["urnn-bench", "run", benchmark])
    found = list(records(results, benchmark))
    if not found:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; make them with: {command}"
        )
    found = one_per_seed(found)
    kept = _asked_last(found, _length, settings_of)
    kept = _asked_last(kept, _model_and_length, training_of)
    if left := [record for pair in found if pair not in kept for record in pair[1:]]:
        runs = "runs" if len(left) > 1 else "run"
        _warn(
            f"{benchmark}: {len(left)} {runs} left out: other settings of the same length, or of "
            f"the same model; asking again brings them back: {_asking(command, left)}"
        )
    probed = _probed_alike(benchmark, kept)
    frames = [_metrics(folder, record, folder.name in probed) for folder, record in kept]
    rows = pd.DataFrame([_row(folder, record) for folder, record in kept])
    folders, records_ = zip(*kept, strict=True)
    values = pd.concat(frames, ignore_index=True)
    criterion = next((r.criterion for r in records_ if r.criterion), "")
    return Results(benchmark, command, rows, values, records_, folders, criterion, probed)


def settings_of(record: Record) -> tuple[str, ...]:
    """Return what was set for a run on the command line, without probes, which change nothing."""
    return tuple(text for text in record.run.settings if not text.startswith("probes"))


def training_of(record: Record) -> Hashable:
    """Return the protocol of a run without its probes."""
    return record.run.model_copy(update={"probes": None}).protocol


def one_per_seed(found: list[Found]) -> list[Found]:
    """Of runs that differ in probes alone keep one: an ended one, with probes, asked for last."""
    best: dict[Hashable, Found] = {}
    for pair in sorted(found, key=lambda p: (p[1].status in FINAL, _is_probed(p[1]), p[1].asked)):
        best[training_of(pair[1]), pair[1].run.seed, pair[1].run.label] = pair
    return [pair for pair in found if pair in best.values()]


def _is_probed(record: Record) -> bool:
    return record.run.probes is not None


def _probed_alike(benchmark: str, kept: list[Found]) -> frozenset[str]:
    """Return the names of runs that were looked into at one length for each they are trained at.

    Of several it is the one asked for last among those that have ended, with a warning: no average
    over lengths means anything.
    """
    probed = [pair for pair in kept if _is_probed(pair[1])]
    by_asking = sorted(probed, key=lambda p: (p[1].status in FINAL, p[1].asked))
    last = {record.run.T: probe_length(record) for _, record in by_asking}
    alike = [pair for pair in probed if probe_length(pair[1]) == last[pair[1].run.T]]
    if left := len(probed) - len(alike):
        _warn(
            f"{benchmark}: what probes read of {left} {'runs' if left > 1 else 'run'} is left out: "
            "on sequences of another length than what was asked for last"
        )
    return frozenset(folder.name for folder, _ in alike)


def probe_length(record: Record) -> int:
    """Return the length of the sequences that probes look at."""
    probes = record.run.probes
    return (probes.T if probes else None) or record.run.T


def _asked_last(found: list[Found], group: Key, settings: Key) -> list[Found]:
    """Keep, in every group, the runs whose settings are those of the run asked for last."""
    latest: dict[Hashable, Hashable] = {}
    for _, record in sorted(found, key=lambda pair: pair[1].asked):
        latest[group(record)] = settings(record)
    return [pair for pair in found if settings(pair[1]) == latest[group(pair[1])]]


def _asking(command: str, left: list[Record]) -> str:
    """Return a command that asks for the last of some runs again, which are done already."""
    last = max(left, key=lambda record: record.asked)
    settings = (f"--set {shlex.quote(text)}" for text in settings_of(last))
    return " ".join([command, f"--T {last.run.T}", *settings])


def _length(record: Record) -> Hashable:
    return record.run.T


def _model_and_length(record: Record) -> Hashable:
    return record.run.label, record.run.T


def _warn(text: str) -> None:
    warnings.warn(text, RecordsWarning, 3)


def _row(folder: Path, record: Record) -> dict[str, Any]:
    run, session = record.run, record.sessions[-1]
    per_s = record.steps_done / record.train_s if record.train_s else float("nan")
    test = {f"test_{name}": value for name, value in (record.test or {}).items()}
    return {
        "run": folder.name,
        "model": run.label,
        "T": run.T,
        "seed": run.seed,
        "hidden": run.hidden,
        "parameters": record.parameters,
        "status": record.status,
        "steps": record.steps_done,
        # a diverged run will never solve its task, however long it is trained
        "censored": run.fit.steps if record.status == "diverged" else record.steps_done,
        "solved_step": record.solved_step,
        "best_step": record.best_step,
        "updates_per_s": per_s,
        "train_s": record.train_s,
        "device": session.device,
        "kernel": session.kernel,
        **test,
    }


def _probes(folder: Path, record: Record) -> pd.DataFrame:
    frame = pd.DataFrame(probes.read(folder / PROBES), columns=list(probes.Reading._fields))
    return _of(folder, record, frame)


def _of(folder: Path, record: Record, frame: pd.DataFrame) -> pd.DataFrame:
    run, length = record.run, probe_length(record)
    return frame.assign(run=folder.name, model=run.label, T=run.T, seed=run.seed, length=length)


def _metrics(folder: Path, record: Record, probed: bool) -> pd.DataFrame:
    rows = metrics.read(folder / METRICS)
    if record.steps_done and not rows:
        _warn(f"{folder / METRICS}: holds no scores; this run is missing in curves")
    rows = [row for row in rows if probed or row.split != "probe"]
    return _of(folder, record, pd.DataFrame(rows, columns=list(metrics.Row._fields)))
