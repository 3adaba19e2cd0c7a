"""Run folders to data frames, from which all figures are made."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import nan
from pathlib import Path

import pandas as pd

from urnn_bench.analysis import trials as searches
from urnn_bench.analysis.columns import as_text, read_parts
from urnn_bench.analysis.selection import Selected, censored, probe_length, select, warn
from urnn_bench.analysis.timing import timed_on, updates_per_s
from urnn_bench.proposals import Command
from urnn_bench.records import metrics, probes
from urnn_bench.records import trials as trial_records
from urnn_bench.records.folder import METRICS, PROBES, records
from urnn_bench.records.record import Record
from urnn_bench.records.trials import TRIALS


@dataclass(frozen=True)
class Results(Selected):
    """The runs of one benchmark: one row per run, and one row per measured value."""

    runs: pd.DataFrame
    metrics: pd.DataFrame

    @property
    def heading(self) -> str:
        """What figures are headed with: the benchmark's title, and what its runs have instead."""
        shown = {T: ", ".join(self.common.get(T, ())) for T in sorted(self.runs["T"].unique())}
        is_same = len({*shown.values()}) == 1
        at = {T: "" if is_same else f" at T = {T:,}" for T in shown}
        texts = dict.fromkeys(f"{text}{at[T]}" for T, text in shown.items() if text)
        return f"{self.title} [{'; '.join(texts)}]" if texts else self.title

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Test scores of the best weights by length: run, model, T, seed, length, metric, value.

        ``T`` is the length of the training sequences, ``length`` that of the test's.
        """
        rows = [
            (folder.name, record.run.label, record.run.T, record.run.seed, length, metric, value)
            for folder, record in zip(self.folders, self.records, strict=True)
            for length in record.lengths
            for metric, value in record.test_at(length).items()
            if value is not None
        ]
        columns = ["run", "model", "T", "seed", "length", "metric", "value"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def probes(self) -> pd.DataFrame:
        """Probe readings over time: run, model, T, seed, step, probe, state, t, value.

        ``T`` is the length of the training sequences, ``length`` that of the probed ones.
        """
        return _joined(self._probe_parts, self._labels, probes.Reading._fields)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The trials of searches at these lengths, those of a search in order.

        Columns: model, T, sampler, seed, trial, label, state, updates, loss, number, total_updates,
        best, and ``values.AXIS`` for every axis.
        """
        folders = {folder.parent for folder in self.folders}
        read = [t for folder in sorted(folders) for t in trial_records.read(folder / TRIALS)]
        lengths = {record.run.T for record in self.records}
        return searches.frame([trial for trial in read if trial.T in lengths])

    def readings(self, probe: str) -> pd.DataFrame:
        """Return the rows of ``probes`` of one probe, without making the others if none has yet."""
        if "probes" in vars(self):
            return self.probes[self.probes["probe"] == probe]
        selected = [part[part["probe"] == probe] for part in self._probe_parts]
        return _joined(selected, self._labels, probes.Reading._fields)

    def at(self, lengths: Collection[int]) -> "Results":
        """Return the runs of some lengths."""
        selected = super().at(lengths)
        runs, measured = self.runs, self.metrics
        return replace(
            self,
            command=selected.command,
            records=selected.records,
            folders=selected.folders,
            runs=runs[runs["T"].isin(lengths)],
            metrics=measured[measured["T"].isin(lengths)],
        )

    @cached_property
    def _probe_parts(self) -> list[pd.DataFrame]:
        paths = [folder / PROBES if folder.name in self.probed else None for folder in self.folders]
        return list(read_parts(probes.FORMAT, paths))

    @cached_property
    def _labels(self) -> pd.DataFrame:
        return _labels(self)


def load(results: Path, benchmark: str, command: Command | None = None) -> Results:
    """Read every run of a benchmark, those that `select` keeps.

    Raises NothingToShowError if there is none.
    """
    return framed(select(results, benchmark, list(records(results, benchmark)), command))


def framed(selected: Selected) -> Results:
    """Return runs with their frames."""
    pairs = zip(selected.folders, selected.records, strict=True)
    return Results(
        **{field.name: getattr(selected, field.name) for field in fields(selected)},
        runs=pd.DataFrame([_row(*run) for run in pairs]),
        metrics=_metrics(selected),
    )


def _row(folder: Path, record: Record) -> dict[str, object]:
    run, session = record.run, record.sessions[-1]
    pace = updates_per_s(record)
    tests = {f"test_{name}": value for name, value in (record.test or {}).items()}
    return {
        "run": folder.name,
        "model": run.label,
        "T": run.T,
        "seed": run.seed,
        "hidden": run.hidden,
        "parameters": record.parameters,
        "recurrent_weights": record.recurrent_weights,
        "recurrent_bytes": record.recurrent_bytes,
        "status": record.status,
        "steps": record.steps_done,
        "censored": censored(record),
        "solved_step": record.solved_step,
        "best_step": record.best_step,
        "updates_per_s": nan if pace is None else pace,
        "train_s": record.train_s,
        "timed_on": timed_on(record),
        **{name: getattr(session, name) for name in _OF_SESSION},
        **tests,
    }


# where the last session of a run trained, and with what
_OF_SESSION = (
    *("started", "host", "device", "device_name", "kernel"),
    *("threads", "together", "jobs", "wall_s", "peak_mb"),
)


def _metrics(selected: Selected) -> pd.DataFrame:
    parts = list(read_parts(metrics.FORMAT, [folder / METRICS for folder in selected.folders]))
    scored = {int(file) for part in parts for file in part["file"].unique()}
    for file, (folder, record) in enumerate(zip(selected.folders, selected.records, strict=True)):
        if record.steps_done and file not in scored:
            warn(f"{folder / METRICS}: there are no scores; this run is missing in curves")
    staged = [part if metrics.STAGE in part else part.assign(stage="") for part in parts]
    measured = _joined(staged, _labels(selected), metrics.StagedRow._fields)
    is_shown = (measured["split"] != metrics.PROBE) | measured["run"].isin(selected.probed)
    return measured[is_shown].reset_index(drop=True)


def _labels(selected: Selected) -> pd.DataFrame:
    """Return for every run what each of its values is labelled with."""
    runs = zip(selected.folders, selected.records, strict=True)
    rows = [(f.name, r.run.label, r.run.T, r.run.seed, probe_length(r)) for f, r in runs]
    return pd.DataFrame(rows, columns=["run", "model", "T", "seed", "length"])


def _joined(
    parts: list[pd.DataFrame], labels: pd.DataFrame, columns: tuple[str, ...]
) -> pd.DataFrame:
    """Return parts as one frame in which names are text, with the label of every row's file."""
    if not (parts := [part for part in parts if len(part)]):
        return pd.DataFrame(columns=[*columns, *labels.columns])
    joined = pd.concat([as_text(part) for part in parts], ignore_index=True)
    of_rows = labels.take(joined.pop("file").to_numpy()).reset_index(drop=True)
    return pd.concat([joined, of_rows], axis=1)
