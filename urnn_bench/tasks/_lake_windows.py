"""Windows of days: overlapping ones to train on, and ones that score every day once.

T days of a window, W windows.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Windows(NamedTuple):
    """The first day of every window (W), and which of its days count (T, W)."""

    starts: Tensor
    scored: Tensor

    @property
    def days(self) -> Tensor:
        """The days of every window (T, W)."""
        return self.starts + torch.arange(len(self.scored))[:, None]

    def at(self, rows: Tensor | slice) -> "Windows":
        """Return some of the windows."""
        return Windows(self.starts[rows], self.scored[:, rows])


def training_windows(days: range, T: int, stride: int) -> Windows:
    """Return windows within some days, each ``stride`` after the one before, the last at the end.

    All their days count. There are at least T days.
    """
    last = days.stop - T
    starts = torch.tensor([*range(days.start, last, stride), last])
    return Windows(starts, torch.ones(T, len(starts), dtype=torch.bool))


def evaluation_windows(days: range, T: int, stride: int) -> Windows:
    """Return windows that score every one of some days once, after as many other days as there are.

    A window scores at most its last ``stride`` days, unless it begins with the first day of all.
    """
    starts: list[int] = []
    scored: list[Tensor] = []
    first = days.start
    while first < days.stop:
        # the first day of all is 0, and a window has T days
        end = max(T, min(first + stride, days.stop))
        window = torch.arange(end - T, end)
        scored.append((window >= first) & (window < days.stop))
        starts.append(end - T)
        first = end
    return Windows(torch.tensor(starts), torch.stack(scored, dim=1))
