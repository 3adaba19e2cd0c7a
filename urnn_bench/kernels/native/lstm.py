"""The stock LSTM on a CPU: ``lstm.c`` over a whole sequence, with its own backward pass.

Hochreiter and Schmidhuber (1997); forget gate after Gers, Schmidhuber and Cummins (2000). Beside
its states it keeps six vectors a step: the gates i, f, g and o, c and tanh(c).

T steps, B batch, F input features, H hidden width.
"""

import ctypes
from collections.abc import Iterator
from functools import cache
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler, panels
from urnn_bench.kernels.native.memory import PRECISIONS, address, dense, require
from urnn_bench.kernels.native.panels import Code
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights

_SOURCE = panels.source("lstm.c", ("lstm_forward", "lstm_backward"))
_POINTERS = ("w", "v", "w_back", "v_back", "scale", "offset")
_KEPT = 6
# gradients of gates that are computed before the matrices' are made of them: few enough to be in a
# cache still, so many that waiting for all threads costs nothing
_AT_ONCE = 2**20


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
        struct = _struct()(*map(address, self.tensors), self.n, self.features)
        self.pointer = ctypes.byref(struct)

    def run(self, name: str, sizes: tuple[int, ...], *tensors: Tensor | None) -> None:
        """Call a function of the library for a sequence whose batch, shared out, ends ``sizes``."""
        # what the forward pass needs: a table of gates and two of c; backward, h, c twice and F
        width = self.code.rounded(4 * self.n) + self.code.rounded(self.features) + 4 * self.n
        scratch = self.code.rows * width + _KEPT * self.n
        self.code.run(name, sizes[-1], (self.pointer, *sizes), *tensors, scratch=scratch)


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
        x, h0, c0 = pad(dense(x), (0, 1), value=1.0), dense(h0), dense(c0)
        (steps, batch, _), n = x.shape, weights.n
        hs, last_c = x.new_empty(steps, batch, n), torch.empty_like(c0)
        kept = x.new_empty(steps, batch, _KEPT * n) if needs_grad else None
        weights.run("lstm_forward", (steps, batch), x, h0, c0, hs, last_c, kept)
        ctx.weights = weights
        ctx.save_for_backward(x, hs, h0, c0, kept)
        return hs, last_c

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dhs: Tensor, dlast_c: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward, some steps at a time, and add up the matrices' gradients."""
        weights, (x, hs, h0, c0, kept) = ctx.weights, ctx.saved_tensors
        (steps, batch, _), n, dhs = hs.shape, weights.n, dense(dhs)
        # replaced by those of earlier and earlier states
        dh, dc = torch.zeros_like(h0), dense(dlast_c).clone()
        dx = x.new_empty(steps, batch, weights.features) if ctx.needs_input_grad[2] else None
        gradients, wide = _Gradients(weights, x, h0, hs), 4 * n
        for first, last in _from_the_end(steps, max(1, _AT_ONCE // max(1, batch * wide))):
            d = dhs.new_empty(last - first, batch, wide)
            weights.run("lstm_backward", (first, last, batch), kept, c0, dhs, d, dh, dc, dx)
            gradients.add(first, d)
        return None, None, dx, dh, dc, *gradients.of_weights()


class _Gradients:
    """Sums over T and B for V, W and the bias, from the gradients d (T, B, 4H) of all gates."""

    def __init__(self, weights: _Weights, x: Tensor, h0: Tensor, hs: Tensor) -> None:
        self.weights, self.x, self.h0, self.hs = weights, x, h0.unsqueeze(0), hs
        code, wide = weights.code, 4 * weights.n
        self.by_w = hs.new_zeros(wide, code.rounded(weights.n))
        self.by_v = hs.new_zeros(wide, code.rounded(weights.features + 1))

    def add(self, first: int, d: Tensor) -> None:
        """Add what the steps from ``first`` on give."""
        outer, last = self.weights.code.outer, first + len(d)
        outer(self.by_v, d, self.x[first:last])
        if first == 0:
            outer(self.by_w, d[:1], self.h0)
            outer(self.by_w, d[1:], self.hs[: last - 1])
        else:
            outer(self.by_w, d, self.hs[first - 1 : last - 1])

    def of_weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of V (4H, F), W (4H, H) and the bias (4H)."""
        n, features = self.weights.n, self.weights.features
        return self.by_v[:, :features], self.by_w[:, :n], self.by_v[:, features]


def _from_the_end(steps: int, at_once: int) -> Iterator[tuple[int, int]]:
    for last in range(steps, 0, -at_once):
        yield max(0, last - at_once), last


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


@cache
def _struct() -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    numbers = [(name, ctypes.c_int) for name in ("n", "features")]
    return type("Weights", (ctypes.Structure,), {"_fields_": [*pointers, *numbers]})


LSTM = Implementation(
    frozenset({"cpu"}), _run, _unavailable_for, own_threads=True, warm_up=_warm_up
)
