"""Claims against records: reproduced, not reproduced, inconclusive, or missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, nan
from pathlib import Path
from typing import Literal

from urnn_bench.errors import NothingToShowError, SpecError
from urnn_bench.records import metrics, probes
from urnn_bench.records.compare import check_data
from urnn_bench.records.folder import METRICS, PROBES
from urnn_bench.records.record import Record
from urnn_bench.records.results import load
from urnn_bench.records.statistics import geometric_mean, proportion
from urnn_bench.spec.claims import Claim, Expected, Quantity

Word = Literal["reproduced", "not reproduced", "inconclusive", "missing"]
Run = tuple[Path, Record]


@dataclass(frozen=True)
class Verdict:
    """What our runs say of a claim, with our value beside it."""

    word: Word
    ours: str
    reason: str
    values: tuple[float, ...] = ()


def judge(claim: Claim, results: Path) -> Verdict:
    """Judge a claim by the runs it needs.

    Raises UsageError if models were shown different data, SpecError if a run has no such quantity.
    """
    runs = _runs(claim, results)
    if not runs:
        return Verdict("missing", "-", f"make the runs with: {claim.needs.command}")
    values = tuple(_value(claim.quantity, run) for run in runs)
    short = _short(claim, [record for _, record in runs])
    if claim.expect.every is not None:
        word, ours = _all_or_none(values, claim.expect.every)
    else:
        word, ours = _against(values, claim.expect)
    if short:
        return Verdict("inconclusive", ours, short, values)
    return Verdict(word, ours, f"{len(runs)} seeds", values)


def _runs(claim: Claim, results: Path) -> list[Run]:
    """Return the finished runs of a claim's model and length."""
    needs = claim.needs
    try:
        found = load(results, needs.benchmark)
    except NothingToShowError:
        return []
    at = [(f, r) for f, r in zip(found.folders, found.records, strict=True) if r.run.T == needs.T]
    _check([record for _, record in at])
    return [(f, r) for f, r in at if r.run.label == needs.model and _finished(r)]


def _finished(record: Record) -> bool:
    return record.status in ("done", "solved", "diverged")


def _check(records: Sequence[Record]) -> None:
    """Raise UsageError if runs of one length and seed were not shown the same data."""
    for one, two in combinations(records, 2):
        if one.run.seed == two.run.seed and one.fingerprint and two.fingerprint:
            check_data(one, two)


def _short(claim: Claim, records: Sequence[Record]) -> str:
    """Return why these runs are too few or too short, or nothing."""
    needs = claim.needs
    if len(records) < needs.seeds:
        return f"{len(records)} of {needs.seeds} seeds; more with: {needs.command}"
    trained = min(record.run.fit.steps for record in records)
    if trained < needs.updates:
        return f"trained for {trained:,} of {needs.updates:,} updates"
    return ""


def _value(quantity: Quantity, run: Run) -> float:
    """Return the quantity of one run; nan if the run has none, as one that diverged."""
    folder, record = run
    if quantity.of == "solved":
        return float(record.solved_step is not None)
    if quantity.of == "solved_step":
        return nan if record.solved_step is None else float(record.solved_step)
    if quantity.of == "probe":
        return _reading(quantity, folder)
    metric = quantity.metric or record.criterion
    value = _score(quantity, metric, run)
    if not quantity.over_baseline:
        return value
    baseline = next(iter(record.baselines.get(metric, {}).values()), None)
    return value / baseline if baseline else nan


def _score(quantity: Quantity, metric: str, run: Run) -> float:
    folder, record = run
    if quantity.of == "test":
        value = (record.test or {}).get(metric)
        return nan if value is None else value
    last = quantity.until or record.steps_done
    rows = [
        row.value for row in metrics.read(folder / METRICS)
        if row.split == "validation" and row.metric == metric and row.step <= last
    ]  # fmt: skip
    return min(rows, default=nan)


def _reading(quantity: Quantity, folder: Path) -> float:
    curve = {
        row.t: row.value for row in probes.read(folder / PROBES)
        if (row.step, row.probe, row.state) == (quantity.update, quantity.probe, quantity.state)
    }  # fmt: skip
    if not curve:
        raise SpecError(
            f"{folder}: '{quantity.probe}' of {quantity.state} was not read after "
            f"{quantity.update} updates; the benchmark's 'probes' must ask for it"
        )
    value = curve[_time(quantity.t, len(curve))]
    return value / curve[_time(quantity.over, len(curve))] if quantity.over else value


def _time(t: int, length: int) -> int:
    return length + 1 + t if t < 0 else t


def _all_or_none(values: Sequence[float], every: bool) -> tuple[Word, str]:
    solved, count = int(sum(values)), len(values)
    share = proportion(solved, count)
    ours = f"{solved} of {count} ({100 * share.low:.0f}-{100 * share.high:.0f} %)"
    wanted = count if every else 0
    if solved == wanted:
        return "reproduced", ours
    return ("not reproduced" if solved == count - wanted else "inconclusive"), ours


def _against(values: Sequence[float], expected: Expected) -> tuple[Word, str]:
    """Compare the geometric mean's 95 % interval with the bounds."""
    mean = geometric_mean(values)
    if not isfinite(mean.value):
        return "inconclusive", f"{sum(map(isfinite, values))} of {len(values)} runs have one"
    ours = f"{mean.value:.3g} ({mean.low:.3g}-{mean.high:.3g})"
    low, high = expected.above or 0.0, expected.below or float("inf")
    if mean.low >= low and mean.high <= high:
        return "reproduced", ours
    outside = mean.high < low or mean.low > high
    return ("not reproduced" if outside else "inconclusive"), ours
