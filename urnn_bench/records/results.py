"""Run folders to data frames; figures and tables read nothing else."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, records
from urnn_bench.records.metrics import RecordsWarning
from urnn_bench.records.record import Record


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

    Of several protocols for one model and length (other options, other numbers of updates) only
    the one asked for last is kept, with a warning: an average over protocols means nothing.
    """
    found = list(records(results, benchmark))
    if not found:
        raise NothingToShowError(
            f"{results / benchmark}: there are no runs to show; "
            f"make them with: urnn-bench run {benchmark}"
        )
    kept = _latest_protocol(found)
    runs = pd.DataFrame([_row(folder, record) for folder, record in kept])
    values = [_metrics(folder, record) for folder, record in kept]
    return Results(benchmark, runs, pd.concat(values, ignore_index=True), tuple(r for _, r in kept))


def _latest_protocol(found: list[tuple[Path, Record]]) -> list[tuple[Path, Record]]:
    latest: dict[tuple[str, int], Record] = {}
    for _, record in sorted(found, key=lambda pair: pair[1].asked):
        latest[record.run.label, record.run.T] = record
    kept = [
        pair
        for pair in found
        if pair[1].protocol == latest[pair[1].run.label, pair[1].run.T].protocol
    ]
    if left := len(found) - len(kept):
        text = f"{left} run{'s' * (left > 1)} left out: other settings of the same model and length"
        warnings.warn(text, RecordsWarning, 3)
    return kept


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
    frame = pd.DataFrame(rows, columns=list(metrics.Row._fields))
    run = record.run
    return frame.assign(run=folder.name, model=run.label, T=run.T, seed=run.seed)
