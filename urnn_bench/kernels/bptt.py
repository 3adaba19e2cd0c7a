"""Back-propagation through time by hand, for cells with dense recurrent matrices, on any device.

Werbos (1990), Proceedings of the IEEE 78:1550. Autograd keeps every intermediate of every step and
adds to the matrices' gradients T times. Here a step keeps what its backward step needs, both loops
write in place, and the matrices' gradients are one product each over all steps. It is what runs
inside a captured update on a GPU, and on a CPU without a compiler. Everything may have an axis of M
models before that of the batch; their matrices are then multiplied as one batch of products.

T steps, B batch, H hidden width, G rows of W.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.time_loop import HasDrive, State, W
from urnn_bench.kernels.weights import DenseWeights, GruWeights

_DEVICES = frozenset({"cpu", "cuda", "mps"})
_aten = torch.ops.aten
_Backward = Callable[[Tensor, Tensor], Tensor]
# f in place, and the gradient of its input from that of its output and the output: both f have a
# derivative that follows from f itself, so no pre-activation is kept
_Function = tuple[Callable[[Tensor], Tensor], _Backward]
_TANH: _Function = (torch.tanh_, _aten.tanh_backward)
_RELU: _Function = (torch.relu_, lambda g, h: _aten.threshold_backward(g, h, 0))
# what autograd itself calls: one launch each, where 1 - h² written out would be three
_sigmoid_backward = _aten.sigmoid_backward


class _ElmanContext(Context, Protocol):
    derivative: _Backward


class _Elman(torch.autograd.Function):
    """h_t = f(W h_{t-1} + u_t): hs (T, B, H) from u (T, B, H), h0 (B, H) and W (H, H)."""

    @staticmethod
    def forward(
        ctx: _ElmanContext, u: Tensor, h0: Tensor, w: Tensor, function: _Function
    ) -> Tensor:
        hs, h, f = torch.empty_like(u), h0, function[0]
        for u_t, h_t in zip(u, hs, strict=True):
            affine(u_t, h, w.mT, out=h_t)
            h = f(h_t)
        # a copy: an optimizer may change W in place before the backward pass
        ctx.save_for_backward(hs, h0, w.clone())
        ctx.derivative = function[1]
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: _ElmanContext, dhs: Tensor) -> tuple[Tensor | None, ...]:
        hs, h0, w = ctx.saved_tensors
        # g is dC/dh_t through everything later; the last step has no later one
        dz, g = torch.empty_like(hs), dhs[-1]
        for t in range(len(hs) - 1, -1, -1):
            dz[t] = ctx.derivative(g, hs[t])
            g = affine(dhs[t - 1], dz[t], w) if t else dz[t] @ w
        return dz, g, outer(dz, before(h0, hs)), None


# what is saved: the gates, hs, cs, tanh(cs), h0 and c0, W, and C if there is one
_LstmContext = Context[tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor | None]]


class _Lstm(torch.autograd.Function):
    """hs and cs (T, B, H) from u (T, B, 4H), h0, c0 (B, H), W (4H, H) and C (H, H) or None.

    Gates stand in the order i, f, g, o; with C, the output gate sees C c_t.
    """

    @staticmethod
    def forward(
        ctx: _LstmContext, u: Tensor, h0: Tensor, c0: Tensor, w: Tensor, w_c: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        gates, cs = torch.empty_like(u), u.new_empty(*u.shape[:-1], h0.shape[-1])
        hs, tanhs, h, c = torch.empty_like(cs), torch.empty_like(cs), h0, c0
        # indices are views here and cost nothing: autograd does not record inside a Function
        for t in range(len(u)):
            affine(u[t], h, w.mT, out=gates[t])
            c = _cell(gates[t], c, out=cs[t])
            # o is a view of gates[t], so that what is written to it is what is kept
            o = gates[t].chunk(4, -1)[3]
            if w_c is not None:
                affine(o, c, w_c.mT, out=o)
            # tanh(c) is kept too: a vector a step is cheaper than the function again
            h = torch.mul(o.sigmoid_(), torch.tanh(c, out=tanhs[t]), out=hs[t])
        ctx.save_for_backward(
            gates, hs, cs, tanhs, h0, c0, w.clone(), None if w_c is None else w_c.clone()
        )
        return hs, cs

    @staticmethod
    @once_differentiable
    def backward(ctx: _LstmContext, dhs: Tensor, dcs: Tensor) -> tuple[Tensor | None, ...]:
        gates, hs, cs, tanhs, h0, c0, w, w_c = ctx.saved_tensors
        dz, g, dc = torch.empty_like(gates), dhs[-1], torch.zeros_like(c0)
        earlier = before(c0, cs)
        for t in range(len(hs) - 1, -1, -1):
            i, f, n, o = gates[t].chunk(4, -1)
            # views of dz: filling them fills the rows that W is multiplied by below
            di, df, dn, do = dz[t].chunk(4, -1)
            # o first: with C it passes part of its gradient on to this very c_t
            do.copy_(_sigmoid_backward(g * tanhs[t], o))
            dc = dc + dcs[t] + _aten.tanh_backward(g * o, tanhs[t])
            if w_c is not None:
                dc = affine(dc, do, w_c)
            di.copy_(_sigmoid_backward(dc * n, i))
            df.copy_(_sigmoid_backward(dc * earlier[t], f))
            dn.copy_(_aten.tanh_backward(dc * i, n))
            dc = dc * f
            g = affine(dhs[t - 1], dz[t], w) if t else dz[t] @ w
        dw_c = None if w_c is None else outer(dz.chunk(4, -1)[3], cs)
        return dz, g, dc, outer(dz, before(h0, hs)), dw_c


class _Gru(torch.autograd.Function):
    """hs (T, B, H) from u (T, B, 3H), h0 (B, H), W (3H, H) and its bias (3H); gates r, z, n."""

    @staticmethod
    def forward(
        ctx: Context[tuple[Tensor, ...]], u: Tensor, h0: Tensor, w: Tensor, bias: Tensor
    ) -> Tensor:
        width, h = h0.shape[-1], h0
        gates, hs = torch.empty_like(u), u.new_empty(*u.shape[:-1], width)
        # n's share of W h + bias, which the reset gate multiplies
        shares = torch.empty_like(hs)
        for t in range(len(u)):
            affine(bias.unsqueeze(-2), h, w.mT, out=gates[t])
            r, z, n = gates[t].chunk(3, -1)
            shares[t] = n
            # r and z lie side by side
            gates[t, ..., : 2 * width].add_(u[t, ..., : 2 * width]).sigmoid_()
            torch.addcmul(u[t, ..., 2 * width :], r, shares[t], out=n).tanh_()
            h = torch.lerp(n, h, z, out=hs[t])
        # rolled, a copy: an optimizer may change W in place before the backward pass
        ctx.save_for_backward(gates, shares, hs, h0, w.roll(width, -2))
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[tuple[Tensor, ...]], dhs: Tensor) -> tuple[Tensor, ...]:
        gates, shares, hs, h0, rolled = ctx.saved_tensors
        width, g, earlier = h0.shape[-1], dhs[-1], before(h0, hs)
        # by W h + bias for n, r and z, and by u for r, z and n: r and z get both
        d = hs.new_empty(*hs.shape[:-1], 4 * width)
        for t in range(len(hs) - 1, -1, -1):
            r, z, n = gates[t].chunk(3, -1)
            share, dr, dz, dn = d[t].chunk(4, -1)
            past = g * z
            dn.copy_(_aten.tanh_backward(g - past, n))
            dr.copy_(_sigmoid_backward(dn * shares[t], r))
            dz.copy_(_sigmoid_backward(g * (earlier[t] - n), z))
            torch.mul(dn, r, out=share)
            g = affine(past + dhs[t - 1] if t else past, d[t, ..., : 3 * width], rolled)
        by_w = d[..., : 3 * width]
        dw, dbias = outer(by_w, earlier), by_w.sum((0, -2))
        return d[..., width:], g, dw.roll(-width, -2), dbias.roll(-width, -1)


def _cell(z: Tensor, c: Tensor, out: Tensor) -> Tensor:
    """Turn three of the gates' pre-activations (B, 4H) into gates in place; return f c + i g.

    The output gate is left alone, as with C it has to see the new c first.
    """
    i, f, g, _ = z.chunk(4, -1)
    # i and f lie side by side: one launch for both
    z[..., : 2 * c.shape[-1]].sigmoid_()
    return torch.mul(f, c, out=out).addcmul_(i, g.tanh_())


def before(first: Tensor, states: Tensor) -> Tensor:
    """Return the states that the steps begin with: (T, B, H), in memory as ``states`` are."""
    # not torch.cat, which would lay the models of a stack out anew
    earlier = torch.empty_like(states)
    earlier[0], earlier[1:] = first, states[:-1]
    return earlier


def affine(u: Tensor, h: Tensor, w: Tensor, out: Tensor | None = None) -> Tensor:
    """Return u + h w: (B, G), (B, H) and (H, G), all three with models in front or none."""
    if w.ndim == 2:
        single: Tensor = torch.addmm(u, h, w, out=out)
        return single
    product = torch.baddbmm(u, h, w)
    # not into ``out``: torch has no fast product into rows that are not one block
    return product if out is None else out.copy_(product)


def outer(dz: Tensor, states: Tensor) -> Tensor:
    """Return the sum over steps and rows of dz statesᵀ: (T, B, G) and (T, B, H) to (G, H)."""
    # the loops leave this to the end: one product of long sums runs at the speed of arithmetic,
    # T products of B rows at that of memory
    if dz.ndim > 3:
        return torch.einsum("tmbg,tmbh->mgh", dz, states)
    return dz.flatten(0, 1).T @ states.flatten(0, 1)


def _elman(function: _Function, u: Tensor, state: State, w: DenseWeights) -> tuple[Tensor, State]:
    hs = _Elman.apply(u, state[0], w.w_h, function)  # type: ignore[no-untyped-call]
    # a copy, here and below, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(),)


def _lstm(u: Tensor, state: State, w: DenseWeights) -> tuple[Tensor, State]:
    # w_c is what lstm_paper's weights have beside those of the stock LSTM
    hs, cs = _Lstm.apply(  # type: ignore[no-untyped-call]
        u, *state, w.w_h, getattr(w, "w_c", None)
    )
    return hs, (hs[-1].clone(), cs[-1].clone())


def _gru(u: Tensor, state: State, w: GruWeights) -> tuple[Tensor, State]:
    hs = _Gru.apply(u, state[0], w.w_h, w.bias_h)  # type: ignore[no-untyped-call]
    return hs, (hs[-1].clone(),)


def by_hand(
    loop: Callable[[Tensor, State, W], tuple[Tensor, State]],
) -> Implementation[HasDrive[W], W]:
    """Return a kernel, and its stack, of a loop from a drive (T, [M,] B, ...) to hs and a state."""

    def run(cell: HasDrive[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        return loop(cell.drive(x, w), state, w)

    def stacked(cell: HasDrive[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        # a view with time in front, as the loop has it; in memory the models stay apart, and so do
        # hs and dz, which take their layout from it: a batch of products wants each model dense
        hs, last = loop(torch.vmap(cell.drive)(x, w).transpose(0, 1), state, w)
        return hs.transpose(0, 1), last

    return Implementation(_DEVICES, run, stacked=stacked)


TANH_RNN = by_hand(partial(_elman, _TANH))
RELU_RNN = by_hand(partial(_elman, _RELU))
LSTM = by_hand(_lstm)
GRU = by_hand(_gru)
