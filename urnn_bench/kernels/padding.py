"""Sequences of different lengths in one tensor, which are followed by steps that do not count.

T steps, B batch, F features. A stack of M models has an axis of M in front of all others.
"""

import torch
from torch import Tensor


def steps_inside(steps: int, lengths: Tensor) -> Tensor:
    """Return whether a step is before the end of its sequence: lengths (B) to (T, B, 1)."""
    times = torch.arange(steps, device=lengths.device).unsqueeze(1)
    return (times < lengths.unsqueeze(-2)).unsqueeze(-1)


def at_ends(hs: Tensor, lengths: Tensor) -> Tensor:
    """Return the last step of every sequence: hs (T, B, F) and lengths (B) to (B, F)."""
    axes = [torch.arange(size, device=hs.device) for size in lengths.shape]
    # one index for all steps: its gradient is one tensor as large as hs
    return hs.movedim(-3, 0)[(lengths - 1, *torch.meshgrid(axes, indexing="ij"))]
