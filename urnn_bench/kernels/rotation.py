"""Back-propagation through time by hand for a rotated state, h_t = modReLU(h_{t-1} B + u_t).

modReLU is that of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equation 8, on real numbers:
sign(z) max(0, |z| + b). Where it lets a number through, its derivative is one and that by its bias
the number's sign, so the backward pass needs the states alone: h is 0 where and only where it was
cut, and has the sign of z elsewhere.

T steps, B batch, H hidden width; everything may have an axis of M models before that of the batch.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.bptt import affine, before, by_hand, outer
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import RotationWeights


class _Rotated(torch.autograd.Function):
    """hs (T, B, H) from u (T, B, H), h0 (B, H), the matrix (H, H) and the bias (H)."""

    @staticmethod
    def forward(ctx: Context, u: Tensor, h0: Tensor, rotation: Tensor, bias: Tensor) -> Tensor:
        hs, h, size = torch.empty_like(u), h0, torch.empty_like(h0)
        # one bias for all rows of a model
        bias = bias.unsqueeze(-2)
        for u_t, h_t in zip(u, hs, strict=True):
            affine(u_t, h, rotation, out=h_t)
            torch.abs(h_t, out=size).add_(bias).relu_()
            h = h_t.sign_().mul_(size)
        # a copy, as in bptt: the matrix may be changed in place before the backward pass
        ctx.save_for_backward(hs, h0, rotation.clone())
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, dhs: Tensor) -> tuple[Tensor | None, ...]:
        hs, h0, rotation = ctx.saved_tensors
        passes, dz, g = hs != 0, torch.empty_like(hs), dhs[-1]
        for t in range(len(hs) - 1, -1, -1):
            torch.mul(g, passes[t], out=dz[t])
            g = affine(dhs[t - 1], dz[t], rotation.mT) if t else dz[t] @ rotation.mT
        dbias = (dz * hs.sign()).sum((0, -2))
        return dz, g, outer(before(h0, hs), dz), dbias


def _rotated(u: Tensor, state: State, w: RotationWeights) -> tuple[Tensor, State]:
    hs = _Rotated.apply(u, state[0], w.rotation, w.bias)  # type: ignore[no-untyped-call]
    return hs, (hs[-1].clone(),)


# the name of the non-linearity: exprnn, dtriv and dtriv's filters share it
MODRELU = by_hand(_rotated)
