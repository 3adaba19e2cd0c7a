"""What the readout sees of the features over time: one step, all steps, or a summary of them.

T steps, B batch, H hidden width, R features.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.spec.types import PoolName

# of the cell: h (..., H) to (..., R)
Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pool:
    """A way to pool; ``width`` is what R is multiplied by, ``keeps_steps`` if T stays an axis.

    ``apply`` takes the features of a state, h over time (T, B, H) and the last h (B, H), and
    returns (B, width · R), or (T, B, R) if the steps are kept.
    """

    keeps_steps: bool
    width: int
    apply: Callable[[Features, Tensor, Tensor], Tensor]


def _last(features: Features, _: Tensor, last: Tensor) -> Tensor:
    # the last state and not hs[-1], whose gradient would be as large as hs and mostly zeros
    return features(last)


def _mean(features: Features, hs: Tensor, _: Tensor) -> Tensor:
    return features(hs).mean(dim=0)


def _max(features: Features, hs: Tensor, _: Tensor) -> Tensor:
    # not amax, whose backward pass compares all features with the largest again
    return features(hs).max(dim=0).values


def _last_and_mean(features: Features, hs: Tensor, last: Tensor) -> Tensor:
    return torch.cat((features(last), _mean(features, hs, last)), dim=-1)


def _every(features: Features, hs: Tensor, _: Tensor) -> Tensor:
    return features(hs)


POOLS: Mapping[PoolName, Pool] = {
    "last": Pool(False, 1, _last),
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
