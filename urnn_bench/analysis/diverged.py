"""Which of the seeds that both sides of a comparison have diverged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urnn_bench.records.record import DIVERGED, Record


@dataclass(frozen=True)
class Diverged:
    """The seeds that diverged on one side alone, and on both.

    ``only_in_b`` has those that are tested and did not diverge in A.
    """

    only_in_a: tuple[int, ...] = ()
    only_in_b: tuple[int, ...] = ()
    in_both: tuple[int, ...] = ()


NO_DIVERGED = Diverged()


def diverged(a: Mapping[int, Record], b: Mapping[int, Record], seeds: Sequence[int]) -> Diverged:
    """Return which seeds of two sides diverged where."""
    in_a, in_b = ([seed for seed in seeds if has_diverged(side[seed])] for side in (a, b))
    return Diverged(
        tuple(seed for seed in in_a if seed not in in_b),
        tuple(seed for seed in in_b if seed not in in_a and a[seed].test is not None),
        tuple(seed for seed in in_b if seed in in_a),
    )


def has_diverged(record: Record) -> bool:
    """Return whether a run ended because its loss was not finite."""
    return record.status == DIVERGED
