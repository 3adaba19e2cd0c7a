"""LegS alone on a CPU: ``legs.c``, one signal after another, several steps at a time.

T steps, R rows (signals), N order of the memory.
"""

import ctypes
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.memory_operators import Operator
from urnn_bench.kernels.native.compiler import Source, library, unavailable_reason
from urnn_bench.kernels.native.memory import PRECISIONS, address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS, share_out
from urnn_bench.kernels.sample_times import shares_of_past
from urnn_bench.kernels.time_loop import State, unroll
from urnn_bench.kernels.weights import MemoriesAlone

_LONG, _DOUBLE = ctypes.c_long, ctypes.c_double
SOURCE = Source(Path(__file__).with_name("legs.c"), ("lanes", "legs_forward"))


class Coefficients(NamedTuple):
    """c after the last step (R, N), and after every step (T, R, N) if they are kept."""

    last: Tensor
    every: Tensor | None


def legs(f: Tensor, share: Tensor, c: Tensor, alpha: float, *, keep: bool) -> Coefficients:
    """Return the coefficients of signals f (T, R), which start from c (R, N).

    ``share`` (T, R) is Δt / t of each sample, infinite for a first one. ``alpha`` is that of the
    generalised bilinear rule. No gradient goes through it. Raises KernelError if C code cannot
    read a tensor.
    """
    (steps, rows), (_, order), dtype = f.shape, c.shape, f.dtype
    require("the shares", share, (steps, rows), dtype)
    require("the coefficients", c, (rows, order), dtype)
    code = library(SOURCE, PRECISIONS[dtype].defines)
    lanes = int(code.lanes())
    f, share, last = dense(f), dense(share), pad(c.detach(), (0, lanes)).contiguous()
    every = f.new_empty(steps, rows, order) if keep else None
    scale, count = _tables(order, lanes, dtype)

    def run(first: int, end: int) -> None:
        kept = aligned((order + lanes) * lanes, dtype)
        for row in range(first, end):
            signal = (f[:, row], share[:, row])
            code.legs_forward(
                *(_LONG(steps), order, _DOUBLE(alpha), *map(address, signal), _LONG(rows)),
                *map(address, (scale, count, last[row], None if every is None else every[:, row])),
                *(_LONG(rows * order), address(kept)),
            )

    share_out(run, rows, THREADS.get())
    return Coefficients(last[:, :order].contiguous(), every)


def _tables(order: int, lanes: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return s_n and n + 1 from the last n to the first, with zeros around them."""
    n = torch.arange(order - 1, -1, -1, dtype=torch.float64)
    scale, count = (pad(v, (lanes, lanes)).to(dtype) for v in ((2 * n + 1).sqrt(), n + 1))
    return scale, count


def _coefficients(
    cell: MemoriesAlone, x: Tensor, state: State, w: Operator, *, keep: bool
) -> tuple[Coefficients, Tensor]:
    """Return the coefficients of every input of every sequence, and the clock."""
    signals, c, alpha = x.flatten(1), state[0].reshape(-1, len(w.b)), cell.memory.legs_alpha
    shares, clock = shares_of_past(state[1], None, len(x))
    assert alpha is not None
    shares = shares.repeat_interleave(len(c) // len(clock), 1)
    return legs(signals, shares, c, alpha, keep=keep), clock


def _run(cell: MemoriesAlone, x: Tensor, state: State, w: Operator) -> tuple[Tensor, State]:
    if torch.is_grad_enabled() and any(t.requires_grad for t in (x, *state)):
        # nothing of such a cell is trained, so its gradient is rarely asked for
        return unroll(cell, x, state, w)
    found, clock = _coefficients(cell, x, state, w, keep=True)
    assert found.every is not None
    return found.every.view(*x.shape[:2], -1), (found.last.view(x.shape[1], -1), clock)


def _last_state(cell: MemoriesAlone, x: Tensor, state: State, w: Operator) -> State:
    if torch.is_grad_enabled() and any(t.requires_grad for t in (x, *state)):
        return unroll(cell, x, state, w)[1]
    found, clock = _coefficients(cell, x, state, w, keep=False)
    return (found.last.view(x.shape[1], -1), clock)


def _unavailable_for(cell: MemoriesAlone) -> str | None:
    if cell.memory.legs_alpha is None:
        return "it computes LegS by a bilinear rule alone"
    return unavailable_reason(SOURCE)


LEGS: Implementation[MemoriesAlone, Operator] = Implementation(
    frozenset({"cpu"}), _run, _unavailable_for, own_threads=True, last_state=_last_state
)
