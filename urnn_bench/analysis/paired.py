"""Two sides on the same seeds: their ratio, a sign-flip test, and Holm's correction for several.

A sign-flip test asks how many flips of the signs of all differences have a mean as far from zero
as the mean that was found, so it assumes nothing about how the differences are distributed but
that they are as often above as below. The p of n seeds is no smaller than 2^-n, or twice that if
either sign counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan, log, log2, nan
from typing import Literal

import numpy as np

from urnn_bench.analysis.statistics import (
    FEWEST_SEEDS,
    LEVEL,
    Interval,
    geometric_mean,
    range_of_few,
)

_EXACT_UP_TO = 16

Verdict = Literal["lower", "higher", "no difference found", "too few seeds", "unknown"]
Alternative = Literal["two-sided", "greater"]


@dataclass(frozen=True)
class Comparison:
    """B against A on the same seeds: the ratio of every seed, their mean, a test, a verdict.

    ``p`` is that of a two-sided test of no difference.
    """

    ratios: tuple[float, ...]
    ratio: Interval
    p: float
    verdict: Verdict

    @property
    def pairs(self) -> int:
        """The number of seeds."""
        return len(self.ratios)

    def p_above(self, tolerance: float) -> float:
        """Return the p of a one-sided test of a ratio of ``tolerance`` or less; nan if unknown."""
        if isnan(self.ratio.value):
            return nan
        return sign_flip([log(ratio / tolerance) for ratio in self.ratios], "greater")


def compare_paired(a: Sequence[float], b: Sequence[float]) -> Comparison:
    """Compare positive values of the same seeds on the logarithm, b against a.

    The test is an exact sign-flip test; fewer than six pairs are always too few.
    """
    ratios = tuple(y / x if x > 0 else nan for x, y in zip(a, b, strict=True))
    ratio = range_of_few(ratios, geometric_mean(ratios))
    if isnan(ratio.value):
        return Comparison(ratios, ratio, nan, "unknown")
    p = sign_flip([log(r) for r in ratios]) if len(ratios) > 1 else nan
    return Comparison(ratios, ratio, p, _verdict(len(ratios), ratio.value, p))


def _verdict(pairs: int, ratio: float, p: float) -> Verdict:
    if pairs < FEWEST_SEEDS:
        return "too few seeds"
    if p > 1 - LEVEL:
        return "no difference found"
    return "lower" if ratio < 1 else "higher"


def sign_flip(differences: Sequence[float], alternative: Alternative = "two-sided") -> float:
    """Return the p of a mean difference of zero, over all flips of signs.

    Exact up to sixteen differences; beyond that over 65,536 flips drawn with a fixed seed.
    """
    from scipy import stats

    zero = np.zeros(len(differences))
    test = stats.permutation_test(
        (np.asarray(differences), zero),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=1 << min(len(differences), _EXACT_UP_TO),
        alternative=alternative,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """Return every p corrected for being one of several, by Holm; a nan is not counted."""
    known = sorted(p for p in ps if not isnan(p))
    corrected: dict[float, float] = {}
    highest = 0.0
    for place, p in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - place) * p))
        corrected.setdefault(p, highest)
    return [corrected.get(p, nan) for p in ps]


def seeds_needed(comparisons: int) -> int:
    """Return how many seeds a one-sided test needs to reject the first of several by Holm."""
    return max(FEWEST_SEEDS, ceil(log2(comparisons / (1 - LEVEL))))
