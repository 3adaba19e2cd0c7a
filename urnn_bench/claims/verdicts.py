"""Claims against records: reproduced, not reproduced, inconclusive, or missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from math import isfinite, isnan

from urnn_bench.analysis.statistics import (
    Interval,
    geometric_mean,
    mean,
    proportion,
    range_of_few,
)
from urnn_bench.claims.evidence import Evidence, insufficient_reason
from urnn_bench.claims.quantities import Observation, Run
from urnn_bench.claims.schema import Claim, Expected
from urnn_bench.claims.selection import SeedRuns, select_runs
from urnn_bench.proposals import Command
from urnn_bench.records.record import Record
from urnn_bench.records.trials import Trial
from urnn_bench.spec.sweep import UnresolvedRun

# what tables show of a value that there is none of
UNKNOWN = "–"
# an interval whose ends are further apart says less than the values
_MAX_RATIO = 1e3
# so does an interval of so few seeds
_FEW_SEEDS = 2


class VerdictName(StrEnum):
    """What runs can say of a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    EXPLAINED = "explained by the control"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"


@dataclass(frozen=True)
class SeedValue:
    """The number of every model, or sampler, at one seed, and the value computed of them."""

    seed: int
    numbers: Mapping[str, float]
    value: float


@dataclass(frozen=True)
class Verdict:
    """What our runs say of a claim, with our value; ``insufficient`` if runs are missing.

    ``in_float64`` is what the claim's runs in float64 say, if there are enough. ``trials`` are the
    best of the searches that a claim on searches is judged by. ``seeds`` are the numbers behind the
    values, and ``controls`` the verdicts on the same claim with a control in the model's place;
    ``against_controls`` are those on the model against a control.
    """

    word: VerdictName
    ours: str
    reason: str
    values: tuple[float, ...] = ()
    insufficient: bool = False
    in_float64: "Verdict | None" = None
    trials: tuple[Trial, ...] = ()
    seeds: tuple[SeedValue, ...] = ()
    controls: Mapping[str, "Verdict"] = field(default_factory=dict)
    against_controls: Mapping[str, "Verdict"] = field(default_factory=dict)


def judge(
    claim: Claim,
    runs: Sequence[Run],
    drafts: Sequence[UnresolvedRun] = (),
    base: Command | None = None,
) -> Verdict:
    """Judge a claim by the runs that it needs, every seed by the claim's bounds.

    ``drafts`` are the runs of the benchmark's file as it is now, if it is known. Runs of an earlier
    version of the file are not judged. Commands that make more runs have the folders of ``base``.
    Raises UsageError if models were shown different data.
    """
    seeds, skipped = select_runs(claim, runs, drafts)
    command = claim.needs.command(base or Command())
    if not seeds:
        return _missing(command, skipped)
    by_seed = tuple(_value_of_seed(claim, seed_runs) for seed_runs in seeds)
    values = tuple(seed.value for seed in by_seed)
    word, ours = _compare_with_expected(claim, seeds, values)
    if reason := insufficient_reason(Evidence(claim, seeds, values, command)):
        shown = UNKNOWN if all(map(isnan, values)) else ours
        word = VerdictName.INCONCLUSIVE
        return Verdict(word, shown, reason, values, insufficient=True, seeds=by_seed)
    return Verdict(word, ours, describe_seeds(word, values, claim.expect), values, seeds=by_seed)


def _missing(command: Command, skipped: int) -> Verdict:
    note = f" ({skipped} with other settings are not judged)" if skipped else ""
    reason = f"make the runs with: {command}{note}"
    return Verdict(VerdictName.MISSING, UNKNOWN, reason, insufficient=True)


def describe_seeds(word: VerdictName, values: Sequence[float], expected: Expected) -> str:
    """Return how many seeds there are, that none is as expected, or values that disagree."""
    seeds = f"{len(values)} seeds"
    if word is VerdictName.NOT_REPRODUCED and expected.every is None:
        return f"no seed of {len(values)} is {expected.text}"
    if word is VerdictName.NOT_REPRODUCED:
        return f"{'no' if expected.every else 'every'} seed of {len(values)} has solved it"
    if word is VerdictName.INCONCLUSIVE:
        seeds += f" disagree: {_values_text(values)}"
    return seeds


def _value_of_seed(claim: Claim, runs: SeedRuns) -> SeedValue:
    """Return the models' numbers, and the first one minus that of the model it is compared with.

    With an interaction, the same difference of the other pair is subtracted from it.
    """
    measurement, needs = claim.quantity.measurement, claim.needs
    numbers = (measurement.value(Observation(*run, needs.updates)) for run in runs)
    of_model = dict(zip(needs.models, numbers, strict=True))
    first, *others = ([of_model[model] for model in pair] for pair in needs.pairs)
    value = _difference(first) - sum(map(_difference, others))
    return SeedValue(runs[0][1].run.seed, of_model, value)


def _difference(numbers: Sequence[float]) -> float:
    first, *others = numbers
    return first - sum(others)


def _compare_with_expected(
    claim: Claim, seeds: Sequence[SeedRuns], values: Sequence[float]
) -> tuple[VerdictName, str]:
    if claim.expect.every is not None:
        return _count_solved(values, claim.expect.every)
    (_, record), *_ = seeds[0]
    return count_within(values, claim.expect, _average_of(claim, record))


def _average_of(claim: Claim, record: Record) -> Callable[[Sequence[float]], Interval]:
    """Return the geometric mean for a loss, the mean for differences and for other metrics."""
    quantity = claim.quantity
    is_loss = quantity.metric in (None, record.criterion)
    if claim.needs.against or (quantity.over_baseline and not is_loss):
        return mean
    return geometric_mean if is_loss else partial(mean, ends=record.ends_of(quantity.metric or ""))


def _count_solved(values: Sequence[float], every: bool) -> tuple[VerdictName, str]:
    solved, count = int(sum(values)), len(values)
    share = proportion(solved, count)
    ours = f"{solved} of {count} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"
    expected = count if every else 0
    if solved == expected:
        return VerdictName.REPRODUCED, ours
    contradicted = solved == count - expected
    return VerdictName.NOT_REPRODUCED if contradicted else VerdictName.INCONCLUSIVE, ours


def count_within(
    values: Sequence[float], expected: Expected, average_of: Callable[[Sequence[float]], Interval]
) -> tuple[VerdictName, str]:
    """Check for every seed whether it is within the bounds: all, none, or undecided.

    Show their average with its interval where it says more than the values, or with their range
    if they are fewer than six. What is shown has no part in the verdict.
    """
    average = range_of_few(values, average_of(values))
    ours = _values_text(values)
    if len(values) > _FEW_SEEDS and isfinite(average.low) and not _is_too_wide(average):
        word = "range " if average.kind == "range" else ""
        ours = f"{average.value:.3g} ({word}{average.low:.3g} to {average.high:.3g})"
    within = [expected.allows(value) for value in values]
    if all(within):
        return VerdictName.REPRODUCED, ours
    return VerdictName.INCONCLUSIVE if any(within) else VerdictName.NOT_REPRODUCED, ours


def _values_text(values: Sequence[float]) -> str:
    """Return the seeds' values; a seed without one is a dash, and its reason is said elsewhere."""
    return ", ".join(UNKNOWN if isnan(value) else f"{value:.3g}" for value in values)


def _is_too_wide(interval: Interval) -> bool:
    return interval.low > 0 and interval.high > _MAX_RATIO * interval.low
