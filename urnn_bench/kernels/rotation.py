"""Back-propagation through time by hand for a rotated state, h_t = modReLU(h_{t-1} B + u_t).

Everything is real. Where modReLU lets a number through, its derivative is one and that by its bias
the number's sign, so the backward pass needs the states alone. T steps, B batch, H hidden width;
everything may have an axis of M models before that of the batch.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.bptt import affine, before, by_hand, outer
from urnn_bench.kernels.time_loop import State


class _Rotated(torch.autograd.Function):
    """hs (T, B, H) from u (T, B, H), h0 (B, H), the matrix (H, H) and the bias (H)."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, h0: Tensor, rotation: Tensor, bias: Tensor) -> Tensor:
        hs, h, size = torch.empty_like(u), h0, torch.empty_like(h0)
        # one bias for all rows of a model
        beside = bias.unsqueeze(-2)
        for u_t, h_t in zip(u, hs, strict=True):
            affine(u_t, h, rotation, out=h_t)
            torch.abs(h_t, out=size).add_(beside).relu_()
            h = h_t.sign_().mul_(size)
        ctx.save_for_backward(hs, h0, rotation.clone())
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dhs: Tensor) -> tuple[Tensor | None, ...]:
        hs, h0, rotation = ctx.saved_tensors
        through, dz, g = hs != 0, torch.empty_like(hs), dhs[-1]
        for t in range(len(hs) - 1, -1, -1):
            torch.mul(g, through[t], out=dz[t])
            g = affine(dhs[t - 1], dz[t], rotation.mT) if t else dz[t] @ rotation.mT
        dbias = (dz * hs.sign()).sum((0, -2))
        return dz, g, outer(before(h0, hs), dz), dbias


def _rotated(u: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    hs = _Rotated.apply(u, state[0], w.rotation, w.bias)  # type: ignore[no-untyped-call]
    return hs, (hs[-1].clone(),)


MODRELU = by_hand(_rotated)
