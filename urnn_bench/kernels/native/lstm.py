"""The stock LSTM on a CPU: ``lstm.c`` over a whole sequence, with its own backward pass.

Hochreiter and Schmidhuber (1997); forget gate after Gers, Schmidhuber and Cummins (2000). Beside
its states it keeps six vectors a step: c, the gates i, f, g and o, and tanh(c).

T steps, B batch, F input features, H hidden width.
"""

import ctypes
from functools import reduce
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import HasWidth, Implementation
from urnn_bench.kernels.native import compiler, panels
from urnn_bench.kernels.native.memory import PRECISIONS, address, dense, require
from urnn_bench.kernels.native.panels import Code, weights_struct
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights

_SOURCE = panels.source("lstm.c", ("lstm_forward", "lstm_backward"))
_POINTERS = ("w", "v", "w_back", "v_back", "scale", "offset")
_KEPT = 5
# each has a gradient of the matrices of its own: enough to share out, few enough to hold
_MOST_PARTS = 16
# beyond it most of the time is that of products, in which torch's own LSTM is as fast
_FASTER_UP_TO = 64


class _Weights:
    """Both matrices in the order in which the C code reads them."""

    def __init__(self, code: Code, w: DenseWeights) -> None:
        self.code, self.n, self.features = code, w.w_h.shape[1], w.w_x.shape[1]
        # sigmoid(a) = (1 + tanh(a / 2)) / 2: halves are exact
        scale = w.bias.new_tensor([0.5, 0.5, 1.0, 0.5]).repeat_interleave(self.n)
        with_bias = torch.cat([w.w_x, w.bias.unsqueeze(1)], 1)
        matrices = (scale * w.w_h.T, scale * with_bias.T, w.w_h, w.w_x)
        # the C code reads them by address, so they must outlive it; they are copies, so an
        # optimizer may change parameters in place before the backward pass
        self.tensors = (*map(code.panels, matrices), scale, 1 - scale)
        # 1 - scale is the offset: 1/2 for a sigmoid, 0 for tanh
        struct = weights_struct(_POINTERS)(*map(address, self.tensors), self.n, self.features)
        self.pointer = ctypes.byref(struct)

    def parts(self, batch: int) -> int:
        """Return how many parts a batch is in, whatever the number of threads."""
        groups = -(-batch // self.code.rows)
        return min(groups, _MOST_PARTS) if groups > 1 else max(1, min(batch, 2))

    def forward(self, x: Tensor, h0: Tensor, cs: Tensor, hs: Tensor, kept: Tensor | None) -> None:
        """Fill ``hs``, ``cs`` but for its first, and ``kept``."""
        (steps, batch, _), code = hs.shape, self.code
        sizes = (self.pointer, steps, batch, self.parts(batch), len(cs))
        scratch = code.rows * code.rounded(4 * self.n) + _KEPT * self.n
        code.run("lstm_forward", sizes[3], sizes, x, h0, cs, hs, kept, scratch=scratch)

    def backward(self, past: tuple[Tensor, ...], *gradients: Tensor | None) -> Tensor:
        """Fill gradients by x and the state; return [W, V, bias]'s (4H, H + F + 1).

        ``past`` is what a forward pass has left, and the cotangents of h (T, B, H).
        """
        (steps, batch, _), code, parts = past[-1].shape, self.code, self.parts(past[-1].shape[1])
        columns, rows = self.n + self.features + 1, -(-batch // parts)
        at_once = max(1, code.strip // max(1, rows))
        width = code.rounded(columns) + columns + 8 * self.n + code.rows
        scratch = at_once * rows * width + code.rows * code.rounded(self.features)
        dw = past[-1].new_zeros(parts, 4 * self.n, code.rounded(columns))
        sizes = (self.pointer, steps, batch, parts, at_once)
        code.run("lstm_backward", parts, sizes, *past, *gradients, dw, scratch=scratch)
        # one after the other: how torch adds them up may depend on its threads
        total: Tensor = reduce(torch.Tensor.add_, dw)
        return total[:, :columns]


class _Context(Context[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]], Protocol):
    weights: _Weights


class _Recurrence(torch.autograd.Function):
    """hs (T, B, H) and the last c (B, H) from x (T, B, F), h0, c0 (B, H), V, W and their bias."""

    @staticmethod
    def forward(
        ctx: _Context,
        weights: _Weights,
        needs_grad: bool,
        x: Tensor,
        h0: Tensor,
        c0: Tensor,
        *_: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Run the C code forward; what the backward pass needs is saved only if it may come."""
        # a bias is the weight of a feature that is one: its gradient comes with the matrix's
        x, h0 = pad(dense(x), (0, 1), value=1.0), dense(h0)
        (steps, batch), n = x.shape[:2], weights.n
        hs, cs = x.new_empty(steps, batch, n), x.new_empty(steps + 1 if needs_grad else 2, batch, n)
        cs[0] = c0
        kept = x.new_empty(steps, batch, _KEPT * n) if needs_grad else None
        weights.forward(x, h0, cs, hs, kept)
        ctx.weights = weights
        ctx.save_for_backward(kept, cs, x, hs, h0)
        return hs, cs[steps % len(cs)].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dhs: Tensor, dlast_c: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward and add up what its parts of the batch give the matrices."""
        weights, (_, _, x, hs, _) = ctx.weights, ctx.saved_tensors
        (steps, batch, n), features = hs.shape, weights.features
        dh, dc = hs.new_zeros(batch, weights.code.rounded(n)), dense(dlast_c).repeat(2, 1, 1)
        dx = x.new_empty(steps, batch, features) if ctx.needs_input_grad[2] else None
        dw = weights.backward((*ctx.saved_tensors, dense(dhs)), dh, dc, dx)
        dw_h, dw_x, dbias = dw[:, :n], dw[:, n:-1], dw[:, -1]
        return None, None, dx, dh[:, :n], dc[0], dw_x, dw_h, dbias


def _run(_: object, x: Tensor, state: State, w: DenseWeights) -> tuple[Tensor, State]:
    (hidden, features), dtype = (w.w_h.shape[1], w.w_x.shape[1]), w.w_h.dtype
    require("x", x, (None, None, features), dtype)
    for tensor in state:
        require("a state", tensor, (x.shape[1], hidden), dtype)
    inputs = (x, *state, w.w_x, w.w_h, w.bias)
    # asked here, as within a Function gradients are always off
    needs_grad = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    with torch.no_grad():
        weights = _Weights(Code(_SOURCE, dtype, THREADS.get()), w)
    hs, last_c = _Recurrence.apply(weights, needs_grad, *inputs)  # type: ignore[no-untyped-call]
    # a copy, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(), last_c)


def _warm_up(_: int, dtype: torch.dtype) -> None:
    compiler.library(_SOURCE, PRECISIONS[dtype].defines)


def _unavailable_for(_: object) -> str | None:
    return compiler.unavailable_reason(_SOURCE)


def _slower_for(cell: HasWidth) -> bool:
    return cell.hidden > _FASTER_UP_TO


LSTM = Implementation(
    frozenset({"cpu"}),
    _run,
    _unavailable_for,
    own_threads=True,
    warm_up=_warm_up,
    slower_for=_slower_for,
)
