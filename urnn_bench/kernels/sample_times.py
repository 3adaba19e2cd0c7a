"""How much time passes between the samples of a memory, as a clock that is a state of the cell.

The clock (B, 2) has, for every sequence, the time since its first sample and the time of its last
one; the former is -1 before there is any. Nothing is looked up in a table, so no step is too late.

T steps, B batch.
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


def shares_of_past(clock: Tensor, times: Tensor | None, steps: int) -> tuple[Tensor, Tensor]:
    """Return the shares (T, B) of all steps and the clock after them; where t is 0, infinity.

    They are those of ``advance`` and ``share_of_past``, step by step. ``times`` is (T, B).
    """
    elapsed, last = clock[:, 0], clock[:, 1]
    if times is None:
        times = last + torch.arange(1, steps + 1, dtype=clock.dtype)[:, None]
    intervals = times.diff(dim=0, prepend=last[None])
    # a first sample is at 0, whatever its time, after an interval of one
    first = elapsed < 0
    start = torch.where(first, 0.0, elapsed + intervals[0])
    sums = torch.cat([start[None], intervals[1:]]).cumsum(0)
    if bool((sums < 0).any()):
        return _step_by_step(clock, times)
    intervals[0] = torch.where(first, 1.0, intervals[0])
    shares = torch.where(sums <= 0, torch.inf, intervals / sums)
    return shares, torch.stack([sums[-1], times[-1]], -1)


def _step_by_step(clock: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same where times go back so far that a sample counts as the first again."""
    shares = []
    for time in times.unsqueeze(-1):
        clock, interval = advance(clock, time)
        share, is_first = share_of_past(clock, interval)
        shares.append(torch.where(is_first, torch.inf, share)[:, 0])
    return torch.stack(shares), clock
