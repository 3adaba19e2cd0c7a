"""Sequences of different lengths in one tensor, which are followed by steps that do not count.

T steps, B batch, F features. A stack of M models has an axis of M in front of all others.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context


def steps_inside(steps: int, lengths: Tensor) -> Tensor:
    """Return whether a step is before the end of its sequence: lengths (B) to (T, B, 1)."""
    times = torch.arange(steps, device=lengths.device).unsqueeze(1)
    return (times < lengths.unsqueeze(-2)).unsqueeze(-1)


def without_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x (T, B, F) with zeros after the end of every sequence, whatever stood there."""
    return torch.where(steps_inside(x.shape[-3], lengths), x, 0.0)


def at_ends(hs: Tensor, lengths: Tensor) -> Tensor:
    """Return the last step of every sequence: hs (T, B, F) and lengths (B) to (B, F)."""
    axes = [torch.arange(size, device=hs.device) for size in lengths.shape]
    # one index for all steps: its gradient is one tensor as large as hs
    return hs.movedim(-3, 0)[(lengths - 1, *torch.meshgrid(axes, indexing="ij"))]


def reversed_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x (T, B, F) with the steps of every sequence from its end; padding stays behind.

    Twice reversed, x is what it was.
    """
    rows = _reversed_rows(x.shape[-3], lengths)
    return _Exchange.apply(x, rows)  # type: ignore[no-untyped-call, no-any-return]


def _reversed_rows(steps: int, lengths: Tensor) -> Tensor:
    """Return for every row of x, (T · B), the number of the row that takes its place."""
    times = torch.arange(steps, device=lengths.device).unsqueeze(1)
    ends = lengths.unsqueeze(-2)
    times = torch.where(times < ends, ends - 1 - times, times)
    rows = torch.arange(times.numel(), device=lengths.device).view_as(times)
    return rows.gather(-2, times).flatten()


class _Exchange(torch.autograd.Function):
    """The rows of x (..., F) in another order, in which rows change places in pairs."""

    @staticmethod
    def forward(ctx: Context, x: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return _selected(x, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None]:
        # the same exchange again: autograd's own would add up rows where none meet, and on a GPU
        # sort them first
        return _selected(grad, *ctx.saved_tensors), None


def _selected(x: Tensor, rows: Tensor) -> Tensor:
    return x.flatten(0, -2).index_select(0, rows).view(x.shape)
