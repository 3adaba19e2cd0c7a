"""What the readout sees of the features over time: one step, all steps, or a summary of them.

T steps, B batch, H hidden width, R features.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf

import torch
from torch import Tensor

from urnn_bench.kernels.padding import at_ends, steps_inside
from urnn_bench.spec.types import PoolName

# of the cell: h (..., H) to (..., R)
Features = Callable[[Tensor], Tensor]
# h over time (T, B, H), the last h (B, H) and the lengths (B) to h at the end of each sequence
Ends = Callable[[Tensor, Tensor, Tensor | None], Tensor]
End = Callable[[], Tensor]
# of features, h over time, h at the ends, which is made once it is asked for, and the lengths
_Summary = Callable[[Features, Tensor, End, Tensor | None], Tensor]


def ends_over_time(hs: Tensor, last: Tensor, lengths: Tensor | None) -> Tensor:
    """Return h at the end of each sequence, for an h that depends on nothing later."""
    # the last state and not hs[-1], whose gradient would be as large as hs and mostly zeros
    return last if lengths is None else at_ends(hs, lengths)


def ends_in_last_state(_: Tensor, last: Tensor, __: Tensor | None) -> Tensor:
    """Return the last h, where that is of the end of each sequence already."""
    return last


@dataclass(frozen=True)
class Pool:
    """A way to pool; ``width`` is what R is multiplied by, ``keeps_steps`` if T stays an axis.

    ``reads_last_alone`` says that without lengths no h but the last is read.
    """

    keeps_steps: bool
    width: int
    summary: _Summary
    reads_last_alone: bool = False

    def apply(
        self,
        features: Features,
        hs: Tensor,
        last: Tensor,
        lengths: Tensor | None,
        ends: Ends = ends_over_time,
    ) -> Tensor:
        """Return (B, width · R), or (T, B, R) if the steps are kept.

        It is of the features of a state, h over time (T, B, H), the last h (B, H) and the lengths
        of the sequences (B), None if all have T steps. Steps after the end do not count.
        """
        return self.summary(features, hs, partial(ends, hs, last, lengths), lengths)


def _last(features: Features, _: Tensor, end: End, __: Tensor | None) -> Tensor:
    return features(end())


def _mean(features: Features, hs: Tensor, _: End, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return features(hs).mean(dim=0)
    inside = steps_inside(len(hs), lengths)
    return torch.where(inside, features(hs), 0.0).sum(dim=0) / lengths.unsqueeze(1)


def _max(features: Features, hs: Tensor, _: End, lengths: Tensor | None) -> Tensor:
    read = features(hs)
    if lengths is not None:
        read = torch.where(steps_inside(len(hs), lengths), read, -inf)
    # not amax, whose backward pass compares all features with the largest again
    return read.max(dim=0).values


def _last_and_mean(features: Features, hs: Tensor, end: End, lengths: Tensor | None) -> Tensor:
    parts = _last(features, hs, end, lengths), _mean(features, hs, end, lengths)
    return torch.cat(parts, dim=-1)


def _every(features: Features, hs: Tensor, _: End, __: Tensor | None) -> Tensor:
    return features(hs)


POOLS: Mapping[PoolName, Pool] = {
    "last": Pool(False, 1, _last, reads_last_alone=True),
    "mean": Pool(False, 1, _mean),
    "max": Pool(False, 1, _max),
    "last_and_mean": Pool(False, 2, _last_and_mean),
    "every": Pool(True, 1, _every),
}


def choices(every_step_is_scored: bool) -> list[PoolName]:
    """Return the pools for a task, the default one first."""
    return [name for name, pool in POOLS.items() if pool.keeps_steps == every_step_is_scored]


def pool_of(name: PoolName | None, every_step_is_scored: bool) -> Pool:
    """Return the pool of that name, or the default one for a task."""
    return POOLS[choices(every_step_is_scored)[0] if name is None else name]
