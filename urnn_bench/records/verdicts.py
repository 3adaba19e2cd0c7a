"""Claims against records: reproduced, not reproduced, inconclusive, or missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, isfinite, isnan, nan
from pathlib import Path
from typing import Literal

from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics, probes
from urnn_bench.records.compare import check_data
from urnn_bench.records.folder import METRICS, PROBES
from urnn_bench.records.record import FINAL, Record
from urnn_bench.records.results import load, settings_of
from urnn_bench.records.statistics import Interval, geometric_mean, mean, proportion
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
    """Judge a claim by the runs it needs: every seed has to be past the bound.

    Raises UsageError if models were shown different data.
    """
    seeds, others = _runs(claim, results)
    if not seeds:
        aside = f" ({others} with other settings are not judged)" if others else ""
        return Verdict("missing", "-", f"make the runs with: {claim.needs.command}{aside}")
    values = tuple(_of_seed(claim.quantity, runs) for runs in seeds)
    if claim.expect.every is not None:
        word, ours = _all_or_none(values, claim.expect.every)
    else:
        word, ours = _against(values, claim.expect, mean if claim.needs.against else geometric_mean)
    reason = _short(claim, seeds, values)
    if reason:
        return Verdict("inconclusive", ours, reason, values)
    return Verdict(word, ours, _count(word, values), values)


def _count(word: Word, values: Sequence[float]) -> str:
    seeds = f"{len(values)} seeds"
    if word == "inconclusive":
        seeds += " disagree: " + ", ".join(f"{value:.2g}" for value in values)
    return seeds


def _runs(claim: Claim, results: Path) -> tuple[list[tuple[Run, ...]], int]:
    """Return the ended runs of a claim's models at its length, seed by seed; count the others.

    A run that was asked for with settings of its own is not the paper's, other than of how many
    updates; probes change nothing.
    """
    needs = claim.needs
    try:
        found = load(results, needs.benchmark)
    except NothingToShowError:
        return [], 0
    at = [(f, r) for f, r in zip(found.folders, found.records, strict=True) if r.run.T == needs.T]
    _check([record for _, record in at])
    ended = [(f, r) for f, r in at if r.run.label in needs.models and r.status in FINAL]
    plain = {(r.run.label, r.run.seed): (f, r) for f, r in ended if _only_longer(r)}
    seeds = [seed for label, seed in plain if label == needs.model]
    whole = [s for s in seeds if all((model, s) in plain for model in needs.models)]
    runs = [tuple(plain[model, seed] for model in needs.models) for seed in whole]
    return runs, len(ended) - len(plain)


def _only_longer(record: Record) -> bool:
    return all(text.startswith("fit.steps=") for text in settings_of(record))


def _check(records: Sequence[Record]) -> None:
    """Raise UsageError if runs of one length and seed were not shown the same data."""
    for one, two in combinations(records, 2):
        if one.run.seed == two.run.seed and one.fingerprint and two.fingerprint:
            check_data(one, two)


def _short(claim: Claim, seeds: Sequence[tuple[Run, ...]], values: Sequence[float]) -> str:
    """Return why these runs are too few, too short or without the quantity, or nothing."""
    needs = claim.needs
    records = [record for runs in seeds for _, record in runs]
    if len(seeds) < needs.seeds:
        return f"{len(seeds)} of {needs.seeds} seeds; more with: {needs.command}"
    if claim.expect.every is None and (diverged := _named(records, "diverged")):
        return f"{diverged} diverged"
    whole = [r.steps_done for r in records if r.status == "done"]
    if whole and min(whole) < needs.updates:
        more = f"more with: {needs.command} --steps {needs.updates}"
        return f"trained for {min(whole):,} of {needs.updates:,} updates; {more}"
    if lacking := sum(map(isnan, values)):
        return f"{lacking} of {len(values)} runs have no such number; see: {needs.command} --probe"
    return ""


def _named(records: Sequence[Record], status: str) -> str:
    seeds = [str(r.run.seed) for r in records if r.status == status]
    return f"seed {', '.join(seeds)}" if seeds else ""


def _of_seed(quantity: Quantity, runs: tuple[Run, ...]) -> float:
    """Return a model's number, less that of the model it is set against."""
    first, *others = (_value(quantity, run) for run in runs)
    return first - sum(others)


def _value(quantity: Quantity, run: Run) -> float:
    """Return the quantity of one run; nan if the run has none, inf for a task never solved."""
    folder, record = run
    if quantity.of == "solved":
        return float(record.solved_step is not None)
    if quantity.of == "solved_step":
        return inf if record.solved_step is None else float(record.solved_step)
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
    best = {"lowest": min, "highest": max}[quantity.best]
    return best(rows, default=nan)


def _reading(quantity: Quantity, folder: Path) -> float:
    curve = {
        row.t: row.value for row in probes.read(folder / PROBES)
        if (row.step, row.probe, row.state) == (quantity.update, quantity.probe, quantity.state)
    }  # fmt: skip
    if not curve:
        return _number(quantity, folder)
    value = curve.get(_time(quantity.t, len(curve)), nan)
    if quantity.over is None:
        return value
    base = curve.get(_time(quantity.over, len(curve)), nan)
    return value / base if base else nan


def _number(quantity: Quantity, folder: Path) -> float:
    """Return what a probe of one number read; one of all states together has no state's name."""
    called = (f"{quantity.probe}_{quantity.state}", quantity.probe)
    found = [
        row.value for row in metrics.read(folder / METRICS)
        if row.split == "probe" and row.step == quantity.update and row.metric in called
    ]  # fmt: skip
    return next(iter(found), nan)


def _time(t: int, length: int) -> int:
    return length + 1 + t if t < 0 else t


def _all_or_none(values: Sequence[float], every: bool) -> tuple[Word, str]:
    solved, count = int(sum(values)), len(values)
    share = proportion(solved, count)
    ours = f"{solved} of {count} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"
    wanted = count if every else 0
    if solved == wanted:
        return "reproduced", ours
    return ("not reproduced" if solved == count - wanted else "inconclusive"), ours


def _against(
    values: Sequence[float], expected: Expected, middle: Callable[[Sequence[float]], Interval]
) -> tuple[Word, str]:
    """Ask of every seed whether it is within the bounds; all, none, or undecided.

    Their mean with its interval is shown beside, where there is one.
    """
    low = -inf if expected.above is None else expected.above
    high = inf if expected.below is None else expected.below
    found = middle(values)
    ours = ", ".join(f"{value:.3g}" for value in values)
    if isfinite(found.low):
        ours = f"{found.value:.3g} ({found.low:.3g} to {found.high:.3g})"
    inside = [low < value < high for value in values]
    if all(inside):
        return "reproduced", ours
    same_side = all(v <= low for v in values) or all(v >= high for v in values)
    return ("not reproduced" if same_side else "inconclusive"), ours
