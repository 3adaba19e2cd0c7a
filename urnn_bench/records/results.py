"""Run folders to data frames; figures and tables read nothing else."""

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, records
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import Record

Found = tuple[Path, Record]
Key = Callable[[Record], Hashable]


@dataclass(frozen=True)
class Results:
    """The runs of one benchmark: one row a run, and one row a measured value."""

    benchmark: str
    runs: pd.DataFrame
    metrics: pd.DataFrame
    records: tuple[Record, ...]

    @property
    def criterion(self) -> str:
        """The metric that training lowers; empty if no run got as far as a score."""
        return next((r.criterion for r in self.records if r.criterion), "")

    def baselines(self, metric: str, T: int) -> dict[str, float]:
        """Return the reference predictors' values of a metric at a length."""
        found = (r.baselines.get(metric, {}) for r in self.records if r.run.T == T)
        known = next((baselines for baselines in found if baselines), {})
        return {name: value for name, value in known.items() if value is not None}


def load(results: Path, benchmark: str) -> Results:
    """Read every run of a benchmark; raise NothingToShowError if there is none.

    Runs are compared only if they were asked for with the same settings. Of several settings for
    one length, and of several protocols for one model and length (the file has changed), those
    asked for last are kept, with a warning: an average over protocols means nothing.
    """
    found = list(records(results, benchmark))
    if not found:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; "
            f"make them with: urnn-bench run {benchmark}"
        )
    kept = _asked_last(found, _length, lambda record: record.run.settings)
    kept = _asked_last(kept, _model_and_length, lambda record: record.protocol)
    if left := len(found) - len(kept):
        runs = "runs" if left > 1 else "run"
        _warn(f"{left} {runs} left out: other settings of the same length, or of the same model")
    frames = [_metrics(folder, record) for folder, record in kept]
    rows = pd.DataFrame([_row(folder, record) for folder, record in kept])
    return Results(benchmark, rows, pd.concat(frames, ignore_index=True), tuple(r for _, r in kept))


def _asked_last(found: list[Found], group: Key, settings: Key) -> list[Found]:
    """Keep, in every group, the runs whose settings are those of the run asked for last."""
    latest: dict[Hashable, Hashable] = {}
    for _, record in sorted(found, key=lambda pair: pair[1].asked):
        latest[group(record)] = settings(record)
    return [pair for pair in found if settings(pair[1]) == latest[group(pair[1])]]


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
        "solved_step": record.solved_step,
        "best_step": record.best_step,
        "updates_per_s": per_s,
        "train_s": record.train_s,
        "device": session.device,
        "kernel": session.kernel,
        **test,
    }


def _metrics(folder: Path, record: Record) -> pd.DataFrame:
    rows = metrics.read(folder / METRICS)
    if record.steps_done and not rows:
        _warn(f"{folder / METRICS}: holds no scores; this run is missing in curves")
    frame = pd.DataFrame(rows, columns=list(metrics.Row._fields))
    run = record.run
    return frame.assign(run=folder.name, model=run.label, T=run.T, seed=run.seed)
