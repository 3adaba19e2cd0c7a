"""Cells with dense recurrent matrices on a CPU: ``dense.c`` and products after the loop.

The C code computes states forward, and backward the gradient of every pre-activation z; the
matrices' gradients are then one product each over all steps. Beside its results it keeps one
vector a unit and step, for an LSTM six. T steps, B batch, H hidden width, G gates.
"""

import ctypes
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from urnn_bench.kernels.bptt import outer
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.groups import Group, groups, over
from urnn_bench.kernels.native.memory import address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State

_SOURCE = Path(__file__).with_name("dense.c")
_BLOCK = 8
_POINTERS = ("w", "wt", "c", "ct", "zeros", "waste")


@dataclass(frozen=True)
class _Kind:
    """A kind of cell in ``dense.c``: its number, its gates, and what it keeps of a unit."""

    number: int
    gates: int
    kept: int


_TANH, _RELU, _LSTM = _Kind(0, 1, 1), _Kind(1, 1, 1), _Kind(2, 4, 6)


class _Weights:
    """Recurrent matrices in the order in which the C code reads them."""

    def __init__(self, kind: _Kind, w_h: Tensor, w_c: Tensor | None) -> None:
        self.kind, self.n = kind, w_h.shape[1]
        matrices = [w_h, w_h.T, w_c, None if w_c is None else w_c.T]
        # the C code reads them by address, so they must outlive it
        self.blocks = [None if m is None else _blocks(m) for m in matrices]
        self.beside = torch.zeros(2, kind.gates * self.n, dtype=w_h.dtype)
        tensors = (*self.blocks, *self.beside)
        struct = _struct()(*map(address, tensors), kind.number, kind.gates, self.n)
        self.pointer = ctypes.byref(struct)

    def scratch(self, group: Group) -> Tensor:
        """Return room for what a group of rows needs in a step."""
        return aligned((self.kind.gates + 6) * (self.n + _BLOCK) * group.lanes, self.beside.dtype)


class _Recurrence(torch.autograd.Function):
    """hs and cs (T, B, H) from the drive u (T, B, G·H), the initial state and the matrices."""

    @staticmethod
    def forward(
        ctx: Any, kind: _Kind, u: Tensor, h0: Tensor, c0: Tensor | None, w_h: Tensor, *rest: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Run the C code forward; what the backward pass needs is kept only if it may come."""
        w_c, keep, threads = rest
        w = _Weights(kind, w_h, w_c)
        u, h0 = dense(u), dense(h0)
        c0 = None if c0 is None else dense(c0)
        (steps, batch, _), those = u.shape, groups(_SOURCE, u.shape[1], u.dtype)
        hs = u.new_empty(steps, batch, w.n)
        cs = None if c0 is None else torch.empty_like(hs)
        rows = sum(group.lanes for group in those)
        size = steps * kind.kept * w.n
        kept = aligned(rows * size, u.dtype).view(rows, size) if keep else None

        def run(group: Group) -> None:
            mine = None if kept is None else kept[group.row]
            tensors = (u, h0, c0, hs, cs, mine, w.scratch(group))
            group.library.dense_forward(w.pointer, steps, batch, group.row, *map(address, tensors))

        over(run, those, threads)
        ctx.set_materialize_grads(True)
        ctx.kept = (w, those, threads)
        ctx.save_for_backward(hs, cs, h0, c0, kept)
        return hs, cs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dhs: Tensor, dcs: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run the C code backward, then multiply over all steps at once."""
        w, those, threads = ctx.kept
        hs, cs, h0, c0, kept = ctx.saved_tensors
        dhs, dcs = dense(dhs), None if dcs is None else dense(dcs)
        steps, batch, n = dhs.shape
        dz = dhs.new_empty(steps, batch, w.kind.gates * n)
        dh0, dc0 = torch.empty_like(h0), None if c0 is None else torch.empty_like(c0)

        def run(group: Group) -> None:
            tensors = (kept[group.row], c0, dhs, dcs, dz, dh0, dc0, w.scratch(group))
            group.library.dense_backward(w.pointer, steps, batch, group.row, *map(address, tensors))

        over(run, those, threads)
        before = torch.cat([h0.unsqueeze(0), hs[:-1]])
        dw_h = outer(dz, before)
        dw_c = None if w.blocks[2] is None else outer(dz[..., 3 * n :], cs)
        return None, dz, dh0, dc0, dw_h, dw_c, None, None


def _blocks(matrix: Tensor) -> Tensor:
    """Return (rows, columns) as blocks of rows, each column by column: (rows/8, columns, 8)."""
    rows = pad(matrix.detach(), (0, 0, 0, -len(matrix) % _BLOCK))
    return rows.reshape(-1, _BLOCK, matrix.shape[1]).transpose(1, 2).contiguous()


def _run(kind: _Kind, cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    u = cell.drive(x, w)
    c0 = state[1] if len(state) > 1 else None
    w_c, hidden, dtype = getattr(w, "w_c", None), w.w_h.shape[1], w.w_h.dtype
    require("the drive", u, (None, None, kind.gates * hidden), dtype)
    for each_state in state:
        require("a state", each_state, (u.shape[1], hidden), dtype)
    inputs = [t for t in (u, *state, w.w_h, w_c) if t is not None]
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    hs, cs = _Recurrence.apply(  # type: ignore[no-untyped-call]
        kind, u, state[0], c0, w.w_h, w_c, keep, THREADS.get()
    )
    # copies, so that changing hs in place does not change the state
    return hs, tuple(each[-1].clone() for each in (hs, cs) if each is not None)


def _fused(kind: _Kind) -> Implementation:
    return Implementation(
        frozenset({"cpu"}),
        partial(_run, kind),
        _obstacle,
        own_threads=True,
        prepare=partial(groups, _SOURCE),
    )


def _obstacle(_: Any) -> str | None:
    return compiler.obstacle(_SOURCE)


@cache
def _struct() -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    numbers = [(name, ctypes.c_int) for name in ("kind", "gates", "n")]
    return type("Weights", (ctypes.Structure,), {"_fields_": [*pointers, *numbers]})


TANH_RNN = _fused(_TANH)
RELU_RNN = _fused(_RELU)
LSTM = _fused(_LSTM)
