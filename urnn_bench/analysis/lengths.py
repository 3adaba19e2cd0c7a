"""How far a trained network generalises over length: the longest length that is solved.

A length is solved by a seed whose test score there meets ``fit.solved``, unless the baseline
without memory meets it too, as it may meet a bound on the loss of a long sequence. A seed's longest
solved length is the largest up to which every length is solved, and 0 if the shortest is not. That
of several seeds is their median: the largest length up to which half of them solve every one. Its
interval holds the lengths for which Wilson's interval of that share includes one half, so fewer
than four seeds give no lower end above 0. A median at the longest length that was scored may be
larger in truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from urnn_bench.analysis.statistics import proportion
from urnn_bench.records.record import Record

_HALF = 0.5


@dataclass(frozen=True)
class LongestSolved:
    """The longest solved length and its 95 % interval, 0 for none, and the longest scored one."""

    value: int
    low: int
    high: int
    scored: int


def is_solved_at(record: Record, length: int) -> bool:
    """Return whether a run's test score at a length meets the benchmark's criterion."""
    solved = record.run.fit.solved
    score = record.test_at(length).get(solved.metric) if solved else None
    if solved is None or score is None:
        return False
    baselines = record.baselines_at(length).get(solved.metric, {})
    baseline = next(iter(baselines.values()), None)
    is_trivial = baseline is not None and solved.holds({solved.metric: baseline})
    return solved.holds({solved.metric: score}) and not is_trivial


def longest_solved(records: Sequence[Record]) -> LongestSolved | None:
    """Return the longest solved length of the seeds of one model.

    Lengths that a tested seed lacks do not count. None if that leaves one length, or if nothing
    says when the task is solved.
    """
    tested = [record for record in records if record.lengths and record.run.fit.solved]
    shared = sorted(set.intersection(*({*r.lengths} for r in tested))) if tested else []
    if len(shared) < 2:
        return None
    reached = [_reached(record, shared) for record in tested]
    shares = {T: proportion(sum(r >= T for r in reached), len(reached)) for T in shared}
    return LongestSolved(
        value=max((T for T, share in shares.items() if share.value >= _HALF), default=0),
        low=max((T for T, share in shares.items() if share.low >= _HALF), default=0),
        high=max((T for T, share in shares.items() if share.high >= _HALF), default=0),
        scored=shared[-1],
    )


def _reached(record: Record, lengths: Sequence[int]) -> int:
    """Return the largest of some lengths up to which a run solves every one; 0 if none."""
    reached = 0
    for length in lengths:
        if not is_solved_at(record, length):
            break
        reached = length
    return reached
