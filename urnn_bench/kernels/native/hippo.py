"""HiPPO's gated network and the LMU on a CPU: ``hippo.c`` and products after the loop.

The C code computes h and the memory forward, and backward the gradients of f and of every
pre-activation z; the matrices' gradients are then one product each over all steps. LegS takes
O(N) a step, other memories a product with their matrix. Beside h and the memory it keeps the
gates, two vectors a unit and step. T steps, B batch, H hidden width, N order of the memory, Z rows
of W_m, 2H or H.
"""

import ctypes
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels import sample_times
from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.bptt import outer
from urnn_bench.kernels.choose import C, HasWidth, Implementation, Kernel
from urnn_bench.kernels.discretisation import solve_lower
from urnn_bench.kernels.memory_operators import Operator
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.blocks import BLOCK, blocks
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.groups import Group, for_each_group, groups
from urnn_bench.kernels.native.memory import address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State, W
from urnn_bench.kernels.weights import GatedCell, GatedWeights, HasMemory, LinearMemory, LmuWeights

_SOURCE = Source(Path(__file__).with_name("hippo.c"), ("lanes", "hippo_forward", "hippo_backward"))
# the enum of hippo.c
_GATED, _GATED_FIRST, _PLAIN = range(3)
_POINTERS = ("e_h", "e_m", "w_m", "w_mt", "w_h", "w_ht", "a", "at", "b", "first", "zeros", "waste")


class _Trained(NamedTuple):
    """e_h (1, H), e_m (1, N) or None, W_m (Z, N), W_h (H, H) or None."""

    e_h: Tensor
    e_m: Tensor | None
    w_m: Tensor
    w_h: Tensor | None


class _Fixed(NamedTuple):
    """The memory: A (N, N) or None for LegS, B (N), what a first sample of one makes it, α."""

    a: Tensor | None
    b: Tensor
    first: Tensor
    alpha: float


class _Weights:
    """All of them in the order in which the C code reads them."""

    def __init__(self, network: int, trained: _Trained, memory: _Fixed) -> None:
        self.network, (width, self.order) = network, trained.w_m.shape
        self.hidden, self.wide = trained.e_h.shape[1], 1 + width
        # the C code reads them by address, so they must outlive it; they are copies, so an
        # optimizer may change parameters in place before the backward pass
        matrices = (trained.w_m, trained.w_h, memory.a)
        self.vectors = [None if v is None else v.detach().clone() for v in trained[:2]]
        self.matrices = list(chain.from_iterable(map(_both_ways, matrices)))
        self.memory = [v.contiguous() for v in memory[1:3]]
        # rows for lanes that have none of the batch: zeros to read, waste to write to
        self.idle_rows = torch.zeros(2, max(self.wide, self.order), dtype=trained.w_m.dtype)
        tensors = (*self.vectors, *self.matrices, *self.memory, *self.idle_rows)
        numbers = (memory.alpha, network, self.hidden, self.order)
        self.pointer = ctypes.byref(_struct()(*map(address, tensors), *numbers))

    def scratch(self, group: Group) -> Tensor:
        """Return memory for a step of a group of rows: f, z, h, m, a product, and an earlier h."""
        # each may be padded to whole blocks
        numbers = 1 + 5 * (self.hidden + BLOCK) + 2 * (self.order + BLOCK)
        return aligned(numbers * group.lanes, self.idle_rows.dtype)


class _Context(
    Context[tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor | None, Tensor | None, Tensor]],
    Protocol,
):
    weights: _Weights
    row_groups: list[Group]
    threads: int


class _Recurrence(torch.autograd.Function):
    """hs (T, B, H) and the last m (B, N), from u (T, B, 1 + Z), the first state and the weights."""

    @staticmethod
    def forward(
        ctx: _Context,
        network: int,
        memory: _Fixed,
        shares: Tensor | None,
        needs_grad: bool,
        threads: int,
        u: Tensor,
        h0: Tensor,
        m0: Tensor,
        *trained: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Run the C code forward; what the backward pass needs is saved only if it may come."""
        w = _Weights(network, _Trained(*trained), memory)
        u, h0, m0 = dense(u), dense(h0), dense(m0)
        (steps, batch, _), row_groups = u.shape, groups(_SOURCE, u.shape[1], u.dtype)
        hs, last = u.new_empty(steps, batch, w.hidden), torch.empty_like(m0)
        ms = u.new_empty(steps, batch, w.order) if needs_grad else None
        # one block of memory for each group, lane by lane as the C code has its vectors; tanh
        # alone has its derivative in h
        rows, size = sum(group.lanes for group in row_groups), steps * (w.wide - 1)
        keeps = needs_grad and network != _PLAIN
        kept = aligned(rows * size, u.dtype).view(rows, size) if keeps else None

        def run(group: Group) -> None:
            own = None if kept is None else kept[group.row]
            tensors = (u, shares, h0, m0, hs, ms, last, own, w.scratch(group))
            group.library.hippo_forward(w.pointer, steps, batch, group.row, *map(address, tensors))

        for_each_group(run, row_groups, threads)
        ctx.weights, ctx.row_groups, ctx.threads = w, row_groups, threads
        ctx.save_for_backward(shares, h0, m0, hs, ms, kept, u)
        return hs, last

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, dhs: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward, then multiply over all steps at once."""
        w = ctx.weights
        # the drive is the cell's own and has been read: its gradient, as large as all states, takes
        # its place in memory
        shares, h0, m0, hs, ms, kept, du = ctx.saved_tensors
        dhs, dlast = dense(dhs), dense(dlast)
        (steps, batch, _), dh0, dm0 = dhs.shape, torch.empty_like(h0), torch.empty_like(m0)

        def run(group: Group) -> None:
            own = None if kept is None else kept[group.row]
            tensors = (shares, h0, hs, own, dhs, dlast, du, dh0, dm0, w.scratch(group))
            group.library.hippo_backward(w.pointer, steps, batch, group.row, *map(address, tensors))

        for_each_group(run, ctx.row_groups, ctx.threads)
        assert ms is not None
        return *(None,) * 5, du, dh0, dm0, *_gradients(w, du, (h0, hs), (m0, ms))


def _gradients(
    w: _Weights, du: Tensor, h: tuple[Tensor, Tensor], m: tuple[Tensor, Tensor]
) -> tuple[Tensor | None, ...]:
    """Return those of e_h, e_m, W_m and W_h, from that of the drive and the states."""
    df, dz = du[..., :1], du[..., 1:]
    if w.network == _GATED_FIRST:
        return outer(df, h[1]), None, _outer_before(dz, *m), None
    if w.network == _GATED:
        return _outer_before(df, *h), None, outer(dz, m[1]), None
    both = _outer_before(du, *h)
    return both[:1], _outer_before(df, *m), outer(dz, m[1]), both[1:]


def _outer_before(dz: Tensor, first: Tensor, states: Tensor) -> Tensor:
    """Return the sum of dz sᵀ, s (T, B, N) the states that the steps begin with."""
    # in two parts, as states put behind the first one would be a copy of all
    return outer(dz[1:], states[:-1]) + outer(dz[:1], first[None])


def _both_ways(matrix: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    # the backward pass multiplies by the transposes: laid out once, both are read in order
    return (None, None) if matrix is None else (blocks(matrix), blocks(matrix.T))


def _fixed(memory: LinearMemory, w: Operator) -> _Fixed:
    if memory.legs_alpha is None:
        return _Fixed(w.a.detach(), w.b.detach(), w.b.detach(), 0.0)
    return _Fixed(None, w.b.detach(), -solve_lower(w.a.detach(), w.b.detach()), memory.legs_alpha)


def _run(
    network: int,
    cell: HasMemory,
    x: Tensor,
    state: State,
    w: object,
    trained: _Trained,
    operator: Operator,
) -> tuple[Tensor, State]:
    drive = cell.drive(x, w)
    u, time = drive if isinstance(drive, tuple) else (drive, None)
    # the backward pass writes to u, which a cell may have made of x without a copy
    u = u.clone() if u.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() else u
    shape, dtype = trained.w_m.shape, trained.w_m.dtype
    require("the drive", u, (None, None, 1 + shape[0]), dtype)
    for tensor, width in zip(state[:2], (trained.e_h.shape[1], shape[1]), strict=True):
        require("a state", tensor, (u.shape[1], width), dtype)
    shares, clock = _shares(state[2:], time, len(u))
    inputs = (u, *state[:2], *trained)
    # asked here, as within a Function gradients are always off
    needs_grad = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in inputs)
    hs, last = _Recurrence.apply(  # type: ignore[no-untyped-call]
        network, _fixed(cell.memory, operator), shares, needs_grad, THREADS.get(), *inputs
    )
    # a copy, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(), last, *clock)


def _shares(clock: State, time: Tensor | None, steps: int) -> tuple[Tensor | None, State]:
    """Return LegS's shares of its past (T, B) and the last clock, or None without a clock."""
    if not clock:
        return None, ()
    with torch.no_grad():
        times = None if time is None else time[..., 0]
        shares, last = sample_times.shares_of_past(clock[0], times, steps)
    return shares.contiguous(), (last,)


def _gated(cell: GatedCell, x: Tensor, state: State, w: GatedWeights) -> tuple[Tensor, State]:
    network = _GATED_FIRST if cell.reads_h_alone else _GATED
    return _run(network, cell, x, state, w, _Trained(w.w_f, None, w.w_c, None), w.memory)


def _lmu(cell: HasMemory, x: Tensor, state: State, w: LmuWeights) -> tuple[Tensor, State]:
    trained = _Trained(w.w_h[:1], w.e_m, w.w_m, w.w_h[1:])
    return _run(_PLAIN, cell, x, state, w, trained, w.memory)


def _unavailable_for(cell: HasWidth) -> str | None:
    # typed for a cell of any kernel, and asked of these kernels' cells alone
    memory = cast("HasMemory", cell).memory
    return memory.kernel_obstacle or compiler.unavailable_reason(_SOURCE)


@cache
def _struct() -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    numbers = [(name, ctypes.c_int) for name in ("network", "hidden", "order")]
    fields = [*pointers, ("alpha", ctypes.c_double), *numbers]
    return type("Weights", (ctypes.Structure,), {"_fields_": fields})


def _implementation(run: Kernel[C, W]) -> Implementation[C, W]:
    return Implementation(
        frozenset({"cpu"}),
        run,
        _unavailable_for,
        own_threads=True,
        warm_up=partial(groups, _SOURCE),
    )


GATED = _implementation(_gated)
LMU = _implementation(_lmu)
