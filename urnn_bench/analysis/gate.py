"""Whether a side's loss is more than a tolerance above the other's, in any of several comparisons.

The test of a comparison is a one-sided sign-flip test of a ratio up to the tolerance. All of them
are corrected by Holm, so that a gate of any number of equal comparisons fails with a probability of
at most 0.05. What too few seeds can never show is not judged to be fine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from urnn_bench.analysis.compare import Row
from urnn_bench.analysis.paired import holm, seeds_needed
from urnn_bench.analysis.statistics import FEWEST_SEEDS, LEVEL

Verdict = Literal["passes", "worse", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """A comparison with the p of its loss being above the tolerance, corrected by Holm."""

    row: Row
    p: float

    @property
    def is_worse(self) -> bool:
        """Whether B's loss is above the tolerance, or runs diverged in B alone."""
        return self.is_above or bool(self.row.diverged.only_in_b)

    @property
    def is_above(self) -> bool:
        """Whether B's loss is above the tolerance; fewer than six seeds never show it."""
        return self.row.found.pairs >= FEWEST_SEEDS and self.p <= 1 - LEVEL


@dataclass(frozen=True)
class Judged:
    """All comparisons of a gate: those that are worse, and those that cannot be decided."""

    tolerance: float
    judgements: tuple[Judgement, ...]
    seeds_needed: int

    @property
    def worse(self) -> list[Judgement]:
        """The comparisons in which B is worse."""
        return [judgement for judgement in self.judgements if judgement.is_worse]

    @property
    def unscored(self) -> list[Row]:
        """Those in which a seed has no finite test loss above zero on one of the sides."""
        rows = (judgement.row for judgement in self.judgements)
        return [row for row in rows if is_unscored(row)]

    @property
    def too_few(self) -> list[Row]:
        """Those with fewer seeds than the test of so many comparisons needs."""
        rows = (judgement.row for judgement in self.judgements)
        return [row for row in rows if 0 < row.found.pairs < self.seeds_needed]

    def verdict(self, judgement: Judgement) -> Verdict:
        """Return what the gate says of one comparison."""
        if judgement.is_worse:
            return "worse"
        is_undecided = judgement.row in [*self.unscored, *self.too_few]
        return "undecided" if is_undecided else "passes"


def is_unscored(row: Row) -> bool:
    """Return whether a comparison has a seed with no finite test loss above zero, or no seed.

    Seeds that diverged are no reason: they are judged, or are as bad in A.
    """
    is_unknown = row.found.verdict == "unknown"
    return bool(row.untested) or (is_unknown and (row.found.pairs > 0 or not _has_diverged(row)))


def _has_diverged(row: Row) -> bool:
    return bool(row.diverged.only_in_a or row.diverged.in_both)


def judge(rows: Sequence[Row], tolerance: float) -> Judged:
    """Test in every comparison whether B's loss is more than ``tolerance`` times A's."""
    ps = holm([row.found.p_above(tolerance) for row in rows])
    judgements = tuple(Judgement(row, p) for row, p in zip(rows, ps, strict=True))
    return Judged(tolerance, judgements, seeds_needed(len(rows)))
