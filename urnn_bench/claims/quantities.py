"""One number of one run: when it was solved, how it scored, or what a probe read."""

from math import inf, nan
from pathlib import Path

from urnn_bench.claims.schema import Quantity
from urnn_bench.records import metrics, probes
from urnn_bench.records.folder import METRICS, PROBES
from urnn_bench.records.record import Record

Run = tuple[Path, Record]


def value_of(quantity: Quantity, run: Run, updates: int | None) -> float:
    """Return the quantity of one run; nan if the run has none, inf for a task never solved."""
    folder, record = run
    solved = record.solved_step
    if solved is None or (updates is not None and solved > updates):
        solved = None
    if quantity.of == "solved":
        return float(solved is not None)
    if quantity.of == "solved_step":
        return inf if solved is None else float(solved)
    if quantity.of == "probe":
        return _reading(quantity, folder)
    metric = quantity.metric or record.criterion
    value = _score(quantity, metric, run, updates)
    if not quantity.over_baseline:
        return value
    baseline = next(iter(record.baselines.get(metric, {}).values()), None)
    return value / baseline if baseline else nan


def _score(quantity: Quantity, metric: str, run: Run, updates: int | None) -> float:
    folder, record = run
    if quantity.of == "test":
        value = (record.test or {}).get(metric)
        return nan if value is None else value
    last = quantity.until or updates or record.steps_done
    rows = [
        row.value
        for row in metrics.read(folder / METRICS)
        if row.split == "validation" and row.metric == metric and 0 < row.step <= last
    ]
    best = {"lowest": min, "highest": max}[quantity.best or "lowest"]
    return best(rows, default=nan)


def _reading(quantity: Quantity, folder: Path) -> float:
    rows = probes.read(folder / PROBES)
    curve = {
        row.t: row.value
        for row in rows
        if (row.step, row.probe, row.state) == (quantity.update, quantity.probe, quantity.state)
    }
    if not curve:
        return _number(quantity, folder)
    # that of all curves, as a line of this one may have been lost
    last = max(row.t for row in rows)
    value = curve.get(_time(quantity.t, last), nan)
    if quantity.over is None:
        return value
    base = curve.get(_time(quantity.over, last), nan)
    return value / base if base else nan


def _number(quantity: Quantity, folder: Path) -> float:
    """Return what a probe of one number read; one of all states together has no state's name."""
    called = (f"{quantity.probe}_{quantity.state}", quantity.probe)
    found = [
        row.value
        for row in metrics.read(folder / METRICS)
        if row.split == "probe" and row.step == quantity.update and row.metric in called
    ]
    return next(iter(found), nan)


def _time(t: int, last: int) -> int:
    return last + 1 + t if t < 0 else t
