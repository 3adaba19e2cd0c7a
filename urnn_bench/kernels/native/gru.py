"""The GRU on a CPU: ``gru.c`` over a whole sequence, with its own backward pass.

Cho et al. (2014), arXiv:1406.1078, with the reset gate after the recurrent product. Beside its
states it keeps four vectors a step: the gates r, z and n, and n's share of the recurrent product.

T steps, B batch, F input features, H hidden width.
"""

import ctypes
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler, panels
from urnn_bench.kernels.native.memory import PRECISIONS, address, dense, require
from urnn_bench.kernels.native.panels import Code, weights_struct
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import GruWeights

_SOURCE = panels.source("gru.c", ("gru_forward", "gru_backward"))
_POINTERS = ("w", "v", "w_back", "v_back", "bias")


class _Weights:
    """Both matrices and the recurrent bias in the order in which the C code reads them."""

    def __init__(self, code: Code, w: GruWeights) -> None:
        self.code, self.n, self.features = code, w.w_h.shape[1], w.w_x.shape[1]
        with_bias = torch.cat([w.w_x, w.bias_x.unsqueeze(1)], 1)
        matrices = (w.w_h.T, with_bias.T, w.w_h.roll(self.n, 0), w.w_x)
        bias = pad(w.bias_h.detach(), (0, -3 * self.n % code.panel)).clone()
        # the C code reads them by address, so they must outlive it; they are copies, so an
        # optimizer may change parameters in place before the backward pass
        self.tensors = (*map(code.panels, matrices), bias)
        struct = weights_struct(_POINTERS)(*map(address, self.tensors), self.n, self.features)
        self.pointer = ctypes.byref(struct)

    def run(self, name: str, like: Tensor, *tensors: Tensor | None) -> None:
        """Call a function of the library for a sequence (T, B, ...), rows of B shared out."""
        steps, batch = like.shape[:2]
        # two tables of rows of all gates; the backward pass needs less for H, and F columns
        width = 2 * self.code.rounded(3 * self.n) + self.code.rounded(self.features)
        sizes, scratch = (self.pointer, steps, batch), self.code.rows * width
        self.code.run(name, batch, sizes, *tensors, scratch=scratch)


class _Context(Context[tuple[Tensor, Tensor, Tensor, Tensor]], Protocol):
    weights: _Weights


class _Recurrence(torch.autograd.Function):
    """hs (T, B, H) from x (T, B, F), h0 (B, H), V (3H, F), W (3H, H) and their biases (3H)."""

    @staticmethod
    def forward(
        ctx: _Context, weights: _Weights, needs_grad: bool, x: Tensor, h0: Tensor, *_: Tensor
    ) -> Tensor:
        """Run the C code forward; what the backward pass needs is saved only if it may come."""
        # a bias is the weight of a feature that is one: its gradient comes with the matrix's
        x, h0 = pad(dense(x), (0, 1), value=1.0), dense(h0)
        hs = x.new_empty(*x.shape[:2], weights.n)
        kept = x.new_empty(*x.shape[:2], 4 * weights.n) if needs_grad else None
        weights.run("gru_forward", hs, x, h0, hs, kept)
        ctx.weights = weights
        ctx.save_for_backward(x, hs, h0, kept)
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dhs: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward, then multiply over all steps at once."""
        weights, (x, hs, h0, kept) = ctx.weights, ctx.saved_tensors
        dh0 = torch.empty_like(h0)
        wanted = ctx.needs_input_grad[2]
        dx = x.new_empty(*x.shape[:2], weights.features) if wanted else None
        d = dhs.new_empty(kept.shape)
        weights.run("gru_backward", hs, kept, h0, hs, dense(dhs), d, dh0, dx)
        return None, None, dx, dh0, *_of_weights(weights, x, h0, hs, d)


def _of_weights(
    weights: _Weights, x: Tensor, h0: Tensor, hs: Tensor, d: Tensor
) -> tuple[Tensor, ...]:
    """Return the gradients of V, W and their biases from d (T, B, 4H).

    d is by what W gives the gates n, r and z, and by what V gives r, z and n: r and z get both.
    """
    code, n, features = weights.code, weights.n, weights.features
    by_w = d.new_zeros(3 * n, code.rounded(n))
    by_v = d.new_zeros(4 * n, code.rounded(features + 1))
    code.outer(by_w, d[:1], h0.unsqueeze(0))
    code.outer(by_w, d[1:], hs[:-1])
    code.outer(by_v, d, x)
    bias = by_v[:, features]
    return by_v[n:, :features], by_w[:, :n].roll(-n, 0), bias[n:], bias[: 3 * n].roll(-n)


def _run(_: object, x: Tensor, state: State, w: GruWeights) -> tuple[Tensor, State]:
    (hidden, features), dtype = (w.w_h.shape[1], w.w_x.shape[1]), w.w_h.dtype
    require("x", x, (None, None, features), dtype)
    require("the state", state[0], (x.shape[1], hidden), dtype)
    inputs = (x, state[0], w.w_x, w.w_h, w.bias_x, w.bias_h)
    # asked here, as within a Function gradients are always off
    needs_grad = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    with torch.no_grad():
        weights = _Weights(Code(_SOURCE, dtype, THREADS.get()), w)
    hs = _Recurrence.apply(weights, needs_grad, *inputs)  # type: ignore[no-untyped-call]
    # a copy, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(),)


def _warm_up(_: int, dtype: torch.dtype) -> None:
    compiler.library(_SOURCE, PRECISIONS[dtype].defines)


def _unavailable_for(_: object) -> str | None:
    return compiler.unavailable_reason(_SOURCE)


GRU = Implementation(frozenset({"cpu"}), _run, _unavailable_for, own_threads=True, warm_up=_warm_up)
