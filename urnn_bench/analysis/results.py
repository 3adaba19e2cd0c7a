"""Run folders to data frames, from which all figures and tables are made."""

import warnings
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from pathlib import Path

import pandas as pd

from urnn_bench.errors import NothingToShowError
from urnn_bench.proposals import Command
from urnn_bench.records import metrics, probes
from urnn_bench.records.folder import METRICS, PROBES, records
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import DIVERGED, FINAL, Record

Run = tuple[Path, Record]
Key = Callable[[Record], Hashable]


@dataclass(frozen=True)
class Results:
    """The runs of one benchmark: one row per run, and one row per measured value.

    ``command`` trains them. ``criterion`` is the metric that training lowers, empty if no run has a
    score. ``probed`` names the folders whose probe readings are used.
    """

    benchmark: str
    command: Command
    runs: pd.DataFrame
    metrics: pd.DataFrame
    records: tuple[Record, ...]
    folders: tuple[Path, ...]
    criterion: str
    probed: frozenset[str]

    @cached_property
    def probes(self) -> pd.DataFrame:
        """Probe readings over time: run, model, T, seed, step, probe, state, t, value.

        ``T`` is the length of the training sequences, ``length`` that of the probed ones.
        """
        runs = zip(self.folders, self.records, strict=True)
        frames = [_probes(*run) for run in runs if run[0].name in self.probed]
        columns = [*probes.Reading._fields, "run", "model", "T", "seed", "length"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def at(self, lengths: Collection[int]) -> "Results":
        """Return the runs of some lengths."""
        selected = [i for i, record in enumerate(self.records) if record.run.T in lengths]
        records = tuple(self.records[i] for i in selected)
        return replace(
            self,
            command=_command_of(self.command, records),
            runs=self.runs[self.runs["T"].isin(lengths)],
            metrics=self.metrics[self.metrics["T"].isin(lengths)],
            records=records,
            folders=tuple(self.folders[i] for i in selected),
        )

    def baselines(self, metric: str, T: int) -> dict[str, float]:
        """Return the reference predictors' values of a metric at a length."""
        recorded = (r.baselines.get(metric, {}) for r in self.records if r.run.T == T)
        baselines = next(filter(None, recorded), {})
        return {name: value for name, value in baselines.items() if value is not None}


def load(results: Path, benchmark: str, command: Command | None = None) -> Results:
    """Read every run of a benchmark; raise NothingToShowError if there is none.

    ``command`` is the one that trains the benchmark; by default it has the benchmark's name alone.

    Runs are compared only if they have the same settings, as an average over protocols means
    nothing. If a length has several settings, or a model several protocols because the file has
    changed, only the newest are kept, with a warning.
    """
    command = command or Command({benchmark: benchmark})
    runs = list(records(results, benchmark))
    if not runs:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; make them with: {command}"
        )
    newest = _newest_runs(one_per_seed(runs), benchmark, command)
    probed = _probed_at_one_length(benchmark, newest)
    frames = [_metrics(folder, record, folder.name in probed) for folder, record in newest]
    folders, recorded = zip(*newest, strict=True)
    return Results(
        benchmark=benchmark,
        command=_command_of(command, recorded),
        runs=pd.DataFrame([_row(folder, record) for folder, record in newest]),
        metrics=pd.concat(frames, ignore_index=True),
        records=recorded,
        folders=folders,
        criterion=next((record.criterion for record in recorded if record.criterion), ""),
        probed=probed,
    )


def _newest_runs(runs: list[Run], benchmark: str, command: Command) -> list[Run]:
    """Keep the newest settings of every length, then the newest protocol of every model there."""
    newest = _newest_only(runs, _length, settings_of)
    newest = _newest_only(newest, _model_and_length, training_of)
    if skipped := [run[1] for run in runs if run not in newest]:
        count = f"{len(skipped)} {'runs' if len(skipped) > 1 else 'run'}"
        _warn(
            f"{benchmark}: {count} left out: other settings of the same length, or of "
            f"the same model; to show them instead: {_command_for(command, skipped)}"
        )
    return newest


def settings_of(record: Record) -> tuple[str, ...]:
    """Return a run's settings of the command line, without probes, which do not change it."""
    return tuple(text for text in record.run.settings if not text.startswith("probes"))


def training_of(record: Record) -> Hashable:
    """Return the protocol of a run without its probes."""
    return record.run.model_copy(update={"probes": None}).protocol


def one_per_seed(runs: list[Run]) -> list[Run]:
    """Keep one of the runs that differ only in their probes: ended, probed, the newest."""
    best: dict[Hashable, Run] = {}
    for folder, record in sorted(runs, key=_rank):
        best[training_of(record), record.run.seed, record.run.label] = folder, record
    return [run for run in runs if run in best.values()]


def _rank(run: Run) -> tuple[bool, bool, str]:
    _, record = run
    return record.status in FINAL, _is_probed(record), record.asked


def _is_probed(record: Record) -> bool:
    return record.run.probes is not None


def _probed_at_one_length(benchmark: str, runs: list[Run]) -> frozenset[str]:
    """Return the folders of the runs that were probed at the same length as the newest one.

    An average over lengths means nothing, so there is one for every length of training, that of the
    newest run, of an ended one if there is any. Warns about the others.
    """
    probed = [run for run in runs if _is_probed(run[1])]
    lengths = {record.run.T: probe_length(record) for _, record in sorted(probed, key=_rank)}
    same = [folder for folder, record in probed if probe_length(record) == lengths[record.run.T]]
    if skipped := len(probed) - len(same):
        _warn(
            f"{benchmark}: probe readings of {skipped} {'runs' if skipped > 1 else 'run'} left "
            "out: the newest run was probed on sequences of another length"
        )
    return frozenset(folder.name for folder in same)


def probe_length(record: Record) -> int:
    """Return the length of the probed sequences."""
    probes = record.run.probes
    return (probes.T if probes else None) or record.run.T


def _newest_only(runs: list[Run], group: Key, settings: Key) -> list[Run]:
    """Keep, in every group, the runs with the settings of the newest one."""
    newest: dict[Hashable, Hashable] = {}
    for _, record in sorted(runs, key=lambda run: run[1].asked):
        newest[group(record)] = settings(record)
    return [run for run in runs if settings(run[1]) == newest[group(run[1])]]


def _command_for(command: Command, records: list[Record]) -> Command:
    """Return a command that requests the newest of some records, which makes it the newest run."""
    run = max(records, key=lambda record: record.asked).run
    (given,) = command.benchmarks.values()
    of_benchmark = replace(command, benchmarks={run.benchmark: given})
    of_run = of_benchmark.of_run(run.benchmark, run.label, run.T, run.seed)
    return of_run.with_settings(run.settings)


def _command_of(command: Command, records: Sequence[Record]) -> Command:
    """Return the command that trains those of some runs that have the newest run's settings."""
    if not records:
        return command
    settings = settings_of(max(records, key=lambda record: record.asked))
    runs = [record.run for record in records if settings_of(record) == settings]
    narrowed = replace(
        command,
        models=tuple(dict.fromkeys(run.label for run in runs)),
        lengths=tuple(dict.fromkeys(run.T for run in runs)),
        seeds=tuple(dict.fromkeys(run.seed for run in runs)),
    )
    return narrowed.with_settings(settings)


def _length(record: Record) -> Hashable:
    return record.run.T


def _model_and_length(record: Record) -> Hashable:
    return record.run.label, record.run.T


def _warn(text: str) -> None:
    warnings.warn(text, RecordsWarning, 3)


def _row(folder: Path, record: Record) -> dict[str, object]:
    run, session = record.run, record.sessions[-1]
    updates_per_s = record.steps_done / record.train_s if record.train_s else nan
    tests = {f"test_{name}": value for name, value in (record.test or {}).items()}
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
        "censored": run.fit.steps if record.status == DIVERGED else record.steps_done,
        "solved_step": record.solved_step,
        "best_step": record.best_step,
        "updates_per_s": updates_per_s,
        "train_s": record.train_s,
        "device": session.device,
        "kernel": session.kernel,
        **tests,
    }


def _probes(folder: Path, record: Record) -> pd.DataFrame:
    rows = probes.read(folder / PROBES)
    return _labelled(folder, record, pd.DataFrame(rows, columns=list(probes.Reading._fields)))


def _metrics(folder: Path, record: Record, probed: bool) -> pd.DataFrame:
    rows = metrics.read(folder / METRICS)
    if record.steps_done and not rows:
        _warn(f"{folder / METRICS}: there are no scores; this run is missing in curves")
    rows = [row for row in rows if probed or row.split != metrics.PROBE]
    return _labelled(folder, record, pd.DataFrame(rows, columns=list(metrics.Row._fields)))


def _labelled(folder: Path, record: Record, frame: pd.DataFrame) -> pd.DataFrame:
    """Add to every row the run, model, length and seed."""
    run, length = record.run, probe_length(record)
    return frame.assign(run=folder.name, model=run.label, T=run.T, seed=run.seed, length=length)
