"""How much time passes between the samples of a memory, as a clock that is a state of the cell.

The clock (B, 2) has, for every sequence, the time since its first sample and the time of its last
one; the former is -1 before there is any. Nothing is looked up in a table, so no step is too late.

B batch.
"""

import torch
from torch import Tensor


def new_clock(like: Tensor, batch: int) -> Tensor:
    """Return the clock (B, 2) before the first sample, of the type of a tensor."""
    return like.new_tensor([-1.0, 0.0]).expand(batch, 2)


def advance(clock: Tensor, time: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the clock after one more sample, and the interval (B, 1) since the one before.

    ``time`` (B, 1) is the sample's; without one it is a unit later. The interval of a first sample
    is one unit.
    """
    elapsed, last = clock[:, :1], clock[:, 1:]
    first = elapsed < 0
    time = last + 1 if time is None else time
    interval = torch.where(first, 1.0, time - last)
    elapsed = torch.where(first, 0.0, elapsed + interval)
    return torch.cat([elapsed, time], -1), interval


def share_of_past(clock: Tensor, interval: Tensor) -> tuple[Tensor, Tensor]:
    """Return Δt / t (B, 1), t the time since the first sample, and where t is 0 (B, 1).

    There the share is 1, and stands for nothing.
    """
    elapsed = clock[:, :1]
    first = elapsed <= 0
    return torch.where(first, 1.0, interval / torch.where(first, 1.0, elapsed)), first
