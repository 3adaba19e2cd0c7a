"""What the readout sees of the features over time: one step, all steps, or a summary of them.

T steps, B batch, H hidden width, R features.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from urnn_bench.spec.types import PoolName

# of the cell: h (..., H) to (..., R)
Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pool:
    """A way to pool; ``width`` is what R is multiplied by, ``keeps_steps`` if T stays an axis.

    ``reads_last_alone`` says that without lengths no h but the last is read.

    ``apply`` takes the features of a state, h over time (T, B, H), the last h (B, H) and the
    lengths of the sequences (B), None if all have T steps. It returns (B, width · R), or (T, B, R)
    if the steps are kept. Steps after the end of a sequence do not count.
    """

    keeps_steps: bool
    width: int
    apply: Callable[[Features, Tensor, Tensor, Tensor | None], Tensor]
    reads_last_alone: bool = False


def _last(features: Features, hs: Tensor, last: Tensor, lengths: Tensor | None) -> Tensor:
    # the last state and not hs[-1], whose gradient would be as large as hs and mostly zeros
    if lengths is None:
        return features(last)
    # one index for all steps: its gradient is one tensor as large as hs
    return features(hs[lengths - 1, torch.arange(len(lengths), device=hs.device)])


def _mean(features: Features, hs: Tensor, _: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return features(hs).mean(dim=0)
    inside = _steps_inside(hs, lengths)
    return torch.where(inside, features(hs), 0.0).sum(dim=0) / lengths.unsqueeze(1)


def _max(features: Features, hs: Tensor, _: Tensor, lengths: Tensor | None) -> Tensor:
    read = features(hs)
    if lengths is not None:
        read = torch.where(_steps_inside(hs, lengths), read, -inf)
    # not amax, whose backward pass compares all features with the largest again
    return read.max(dim=0).values


def _steps_inside(hs: Tensor, lengths: Tensor) -> Tensor:
    """Return whether a step is before the end of its sequence: (T, B, 1)."""
    return (torch.arange(len(hs), device=hs.device).unsqueeze(1) < lengths).unsqueeze(2)


def _last_and_mean(features: Features, hs: Tensor, last: Tensor, lengths: Tensor | None) -> Tensor:
    parts = _last(features, hs, last, lengths), _mean(features, hs, last, lengths)
    return torch.cat(parts, dim=-1)


def _every(features: Features, hs: Tensor, _: Tensor, __: Tensor | None) -> Tensor:
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
