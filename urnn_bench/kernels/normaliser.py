"""Adam's normalisation over time, with a backward pass of its own.

    v_t = μ v_{t-1} + ε g_t,   s_t = β s_{t-1} + (1 - β) g_t²,   y_t = v_t r_t,   r_t = (s_t + δ)^-½

The two filters are as wide as the gates, so a scan of all steps by matrix products moves arrays of
(T, B, G) through memory a dozen times; one pass in time order, in place, moves each once. Autograd
over that pass would keep every intermediate; its adjoint is three lines:

    dv_t = r_t dy_t + μ dv_{t+1},   ds_t = -½ y_t r_t² dy_t + β ds_{t+1},
    dg_t = ε dv_t + 2 (1 - β) g_t ds_t.

T steps, B batch, G rows of W.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context


class Coefficients(NamedTuple):
    """μ, ε, β and δ."""

    momentum: float
    step_size: float
    beta: float
    stabiliser: float


def normalise(g: Tensor, v: Tensor, s: Tensor, by: Coefficients) -> tuple[Tensor, Tensor, Tensor]:
    """Return y (T, B, G) of g (T, B, G), v_0 and s_0 (B, G), and the last v and s (B, G)."""
    y, last_v, last_s = _Normalise.apply(g, v, s, by)  # type: ignore[no-untyped-call]
    return y, last_v, last_s


class _Context(Context, Protocol):
    by: Coefficients


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: _Context, g: Tensor, v: Tensor, s: Tensor, by: Coefficients
    ) -> tuple[Tensor, Tensor, Tensor]:
        y, r = torch.empty_like(g), torch.empty_like(g)
        # copies: both are changed in place, and the caller's are the state of another kernel
        v, s = v.clone(), s.clone()
        for g_t, y_t, r_t in zip(g, y, r, strict=True):
            v.mul_(by.momentum).add_(g_t, alpha=by.step_size)
            s.mul_(by.beta).addcmul_(g_t, g_t, value=1 - by.beta)
            torch.add(s, by.stabiliser, out=r_t).rsqrt_()
            torch.mul(v, r_t, out=y_t)
        # neither v nor s: y and r say as much, since v = y / r is only needed times r
        ctx.save_for_backward(g, y, r)
        ctx.by = by
        return y, v, s

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dy: Tensor, dv: Tensor, ds: Tensor) -> tuple[Tensor | None, ...]:
        g, y, r = ctx.saved_tensors
        by, dg = ctx.by, torch.empty_like(g)
        dv, ds, inner = dv.clone(), ds.clone(), torch.empty_like(dv)
        # dv and ds come in as gradients of the last v and s, and leave as those of the first
        for t in range(len(g) - 1, -1, -1):
            torch.mul(dy[t], r[t], out=inner)
            dv.add_(inner)
            # dr/ds = -½ r³ and v = y / r: v dr/ds dy = -½ y r² dy
            ds.addcmul_(inner.mul_(r[t]), y[t], value=-0.5)
            torch.mul(ds, g[t], out=dg[t])
            dg[t].mul_(2 * (1 - by.beta)).add_(dv, alpha=by.step_size)
            dv.mul_(by.momentum)
            ds.mul_(by.beta)
        return dg, dv, ds, None
