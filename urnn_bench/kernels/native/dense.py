"""Cells with dense recurrent matrices on a CPU: ``dense.c`` and products after the loop.

The C code computes states forward, and backward the gradient of every pre-activation z; the
matrices' gradients are then one product each over all steps. Beside its results it keeps one
vector a unit and step, for an LSTM six. T steps, B batch, H hidden width, G gates.
"""

import ctypes
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.bptt import outer
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.blocks import BLOCK, blocks
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.groups import Group, for_each_group, groups
from urnn_bench.kernels.native.memory import address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import HasDrive, State
from urnn_bench.kernels.weights import DenseWeights

_SOURCE = Source(Path(__file__).with_name("dense.c"), ("lanes", "dense_forward", "dense_backward"))
_POINTERS = ("w", "wt", "c", "ct", "zeros", "waste")


@dataclass(frozen=True)
class _Kind:
    """A kind of cell in ``dense.c``: its number there, its gates, and how much it saves.

    ``saved`` counts numbers of each unit, row and step: h, or i, f, g, o, c and tanh(c).
    """

    number: int
    gates: int
    saved: int


_TANH, _RELU, _LSTM = _Kind(0, 1, 1), _Kind(1, 1, 1), _Kind(2, 4, 6)


class _Weights:
    """Recurrent matrices in the order in which the C code reads them."""

    def __init__(self, kind: _Kind, w_h: Tensor, w_c: Tensor | None) -> None:
        self.kind, self.n = kind, w_h.shape[1]
        # the backward pass multiplies by the transposes: laid out once, both are read in order
        matrices = [w_h, w_h.T, w_c, None if w_c is None else w_c.T]
        # the C code reads them by address, so they must outlive it; they are copies, so an
        # optimizer may change parameters in place before the backward pass
        self.blocks = [None if m is None else blocks(m) for m in matrices]
        # rows for lanes that have none of the batch: zeros to read, waste to write to
        self.idle_rows = torch.zeros(2, kind.gates * self.n, dtype=w_h.dtype)
        tensors = (*self.blocks, *self.idle_rows)
        struct = _struct()(*map(address, tensors), kind.number, kind.gates, self.n)
        self.pointer = ctypes.byref(struct)

    def scratch(self, group: Group) -> Tensor:
        """Return memory for what a group of rows needs in a step: z, h, c, tanh(c), a product."""
        # each may be padded to whole blocks
        numbers = (self.kind.gates + 6) * (self.n + BLOCK) * group.lanes
        return aligned(numbers, self.idle_rows.dtype)


class _Context(Context[tuple[Tensor, Tensor | None, Tensor, Tensor | None, Tensor]], Protocol):
    weights: _Weights
    row_groups: list[Group]
    threads: int


class _Recurrence(torch.autograd.Function):
    """hs and cs (T, B, H) from the drive u (T, B, G·H), the initial state and the matrices."""

    @staticmethod
    def forward(
        ctx: _Context,
        kind: _Kind,
        u: Tensor,
        h0: Tensor,
        c0: Tensor | None,
        w_h: Tensor,
        w_c: Tensor | None,
        needs_grad: bool,
        threads: int,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the C code forward; what the backward pass needs is saved only if it may come."""
        w = _Weights(kind, w_h, w_c)
        u, h0 = dense(u), dense(h0)
        c0 = None if c0 is None else dense(c0)
        (steps, batch, _), row_groups = u.shape, groups(_SOURCE, u.shape[1], u.dtype)
        hs = u.new_empty(steps, batch, w.n)
        cs = None if c0 is None else torch.empty_like(hs)
        # one block of memory for each group, lane by lane as the C code has its vectors; the
        # lanes without a row count too
        rows, size = sum(group.lanes for group in row_groups), steps * kind.saved * w.n
        saved = aligned(rows * size, u.dtype).view(rows, size) if needs_grad else None

        def run(group: Group) -> None:
            own_saved = None if saved is None else saved[group.row]
            tensors = (u, h0, c0, hs, cs, own_saved, w.scratch(group))
            group.library.dense_forward(w.pointer, steps, batch, group.row, *map(address, tensors))

        for_each_group(run, row_groups, threads)
        ctx.set_materialize_grads(True)
        ctx.weights, ctx.row_groups, ctx.threads = w, row_groups, threads
        ctx.save_for_backward(hs, cs, h0, c0, saved)
        return hs, cs

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dhs: Tensor, dcs: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run the C code backward, then multiply over all steps at once."""
        w = ctx.weights
        hs, cs, h0, c0, saved = ctx.saved_tensors
        dhs, dcs = dense(dhs), None if dcs is None else dense(dcs)
        steps, batch, n = dhs.shape
        dz = dhs.new_empty(steps, batch, w.kind.gates * n)
        dh0, dc0 = torch.empty_like(h0), None if c0 is None else torch.empty_like(c0)

        def run(group: Group) -> None:
            tensors = (saved[group.row], c0, dhs, dcs, dz, dh0, dc0, w.scratch(group))
            group.library.dense_backward(w.pointer, steps, batch, group.row, *map(address, tensors))

        for_each_group(run, ctx.row_groups, ctx.threads)
        before = torch.cat([h0.unsqueeze(0), hs[:-1]])
        dw_h = outer(dz, before)
        # only the output gate, the last of four, sees c through a matrix
        dw_c = None if cs is None or w.blocks[2] is None else outer(dz[..., 3 * n :], cs)
        return None, dz, dh0, dc0, dw_h, dw_c, None, None


def _run(
    kind: _Kind, cell: HasDrive[DenseWeights], x: Tensor, state: State, w: DenseWeights
) -> tuple[Tensor, State]:
    u = cell.drive(x, w)
    c0 = state[1] if len(state) > 1 else None
    # w_c is what lstm_paper's weights have beside those of the stock LSTM
    w_c, hidden, dtype = getattr(w, "w_c", None), w.w_h.shape[1], w.w_h.dtype
    require("the drive", u, (None, None, kind.gates * hidden), dtype)
    for tensor in state:
        require("a state", tensor, (u.shape[1], hidden), dtype)
    inputs = [t for t in (u, *state, w.w_h, w_c) if t is not None]
    # asked here, as within a Function gradients are always off
    needs_grad = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    hs, cs = _Recurrence.apply(  # type: ignore[no-untyped-call]
        kind, u, state[0], c0, w.w_h, w_c, needs_grad, THREADS.get()
    )
    # copies, so that changing hs in place does not change the state
    return hs, tuple(states[-1].clone() for states in (hs, cs) if states is not None)


def _implementation(kind: _Kind) -> Implementation[HasDrive[DenseWeights], DenseWeights]:
    return Implementation(
        frozenset({"cpu"}),
        partial(_run, kind),
        _unavailable_for,
        own_threads=True,
        warm_up=partial(groups, _SOURCE),
    )


def _unavailable_for(_: object) -> str | None:
    return compiler.unavailable_reason(_SOURCE)


@cache
def _struct() -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    numbers = [(name, ctypes.c_int) for name in ("kind", "gates", "n")]
    return type("Weights", (ctypes.Structure,), {"_fields_": [*pointers, *numbers]})


TANH_RNN = _implementation(_TANH)
RELU_RNN = _implementation(_RELU)
LSTM = _implementation(_LSTM)
