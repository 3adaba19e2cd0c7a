"""Statistics for few seeds, computed by scipy or by the formulas that it uses.

Importing scipy.stats takes longer than reading two thousand records, so only what needs it does.

A bootstrap's 95 % interval of a mean of normal values covers it in 75 % of cases with three seeds
and in 90 % with nine, where a t interval does in 95 %.
Losses are skewed, so their mean is geometric and their interval is on the logarithm. A mean of
values that have ends has its interval on a scale that has none, so it stays within the ends.
An interval of fewer than six seeds says little, so what is shown of them is their range.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, isclose, isfinite, log, nan, sqrt
from operator import mul
from typing import Literal

import numpy as np

from urnn_bench.analysis.student import quantile_0975

LEVEL = 0.95
# the standard normal's quantile at (1 + LEVEL) / 2
_NORMAL = 1.959963984540054
FEWEST_SEEDS = 6  # with five the smallest possible two-sided p is 0.0625

IntervalKind = Literal["95 %", "range"]
# the lowest and the highest value that is possible
Ends = tuple[float, float]
WITHOUT_ENDS: Ends = (-inf, inf)


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % confidence interval, or with the range of the seeds.

    ``kind`` says which of the two; it is None if neither is known.
    """

    value: float
    low: float
    high: float
    kind: IntervalKind | None = "95 %"


_UNKNOWN = Interval(nan, nan, nan, None)


def mean(values: Sequence[float], ends: Ends = WITHOUT_ENDS) -> Interval:
    """Return the mean of values with a t interval that stays within the ends of the values.

    One value has no interval; a value that is not finite makes all three nan.
    """
    if not values or not all(map(isfinite, values)):
        return _UNKNOWN
    average = float(np.mean(values))
    if len(values) < 2:
        return Interval(average, nan, nan, None)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    half = float(quantile_0975(len(values) - 1) * error)
    return Interval(average, *_bounds(average, half, ends))


def _bounds(average: float, half: float, ends: Ends) -> tuple[float, float]:
    """Return the interval whose half width is divided by the slope of a scale without ends.

    The scale is the logit between two ends, the logarithm beyond one (the delta method).
    """
    low, high = ends
    if not low < average < high or ends == WITHOUT_ENDS or not half:
        return average - half, average + half
    if isfinite(low) and isfinite(high):
        return _between(average, half, ends)
    return _above(average, half, low) if isfinite(low) else _below(average, half, high)


def _between(average: float, half: float, ends: Ends) -> tuple[float, float]:
    below, above = average - ends[0], ends[1] - average
    odds, change = log(below / above), half / below * ((ends[1] - ends[0]) / above)
    shares = (1 + np.tanh((odds + np.array([-change, change])) / 2)) / 2
    lower, upper = (ends[0] + (ends[1] - ends[0]) * shares).tolist()
    # a sum is rounded
    return lower, min(upper, ends[1])


def _above(average: float, half: float, low: float) -> tuple[float, float]:
    room = average - low
    with np.errstate(over="ignore"):
        factor = float(np.exp(half / room))
    return low + room / factor, low + room * factor


def _below(average: float, half: float, high: float) -> tuple[float, float]:
    lower, upper = _above(-average, half, -high)
    return -upper, -lower


def range_of_few(values: Sequence[float], average: Interval) -> Interval:
    """Return an average with the range of its values if fewer than six made its interval."""
    if len(values) >= FEWEST_SEEDS or average.kind is None:
        return average
    low, high = min(values), max(values)
    # a geometric mean of equal values is rounded
    return Interval(min(max(average.value, low), high), low, high, "range")


def geometric_mean(values: Sequence[float]) -> Interval:
    """Return the geometric mean of positive values with a t interval on their logarithms.

    One value has no interval; a value that is zero or not finite makes all three nan.
    """
    if not values or any(not isfinite(v) or v <= 0 for v in values):
        return _UNKNOWN
    logs = mean([log(v) for v in values])
    with np.errstate(over="ignore"):  # the interval of two distant values may end beyond all floats
        value, low, high = np.exp((logs.value, logs.low, logs.high)).tolist()
    return Interval(value, low, high, logs.kind)


def proportion(successes: int, trials: int) -> Interval:
    """Return a share with its Wilson interval; raise ValueError without trials."""
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"{successes} of {trials}")
    share = successes / trials
    span = 2 * (trials + _NORMAL**2)
    center = (2 * trials * share + _NORMAL**2) / span
    half = _NORMAL / span * sqrt(4 * trials * share * (1 - share) + _NORMAL**2)
    low = 0.0 if successes == 0 else center - half
    return Interval(share, low, 1.0 if successes == trials else center + half)


@dataclass(frozen=True)
class Survival:
    """The share of seeds that have not solved the task yet, after each time at which one did."""

    times: tuple[float, ...]
    unsolved: tuple[float, ...]

    @property
    def median(self) -> float:
        """The first time at which half of the seeds have solved it; inf if there is none."""
        half = (t for t, share in self.steps if share <= 0.5 or isclose(share, 0.5))
        return next(half, inf)

    @property
    def steps(self) -> Iterator[tuple[float, float]]:
        """Each time with the share that is unsolved after it."""
        return zip(self.times, self.unsolved, strict=True)


def survival(solved: Sequence[float | None], trained: Sequence[float]) -> Survival:
    """Return the Kaplan-Meier estimate; an unsolved seed is censored at its last update."""
    ends = [t if s is None else s for s, t in zip(solved, trained, strict=True)]
    events = Counter(s for s in solved if s is not None)
    times, at_risk = sorted(events), [sum(end >= time for end in ends) for time in sorted(events)]
    kept = [(n - events[time]) / n for time, n in zip(times, at_risk, strict=True)]
    return Survival(tuple(times), tuple(accumulate(kept, mul)))
