"""The uRNN on a CPU: ``urnn.c`` over a whole sequence, with its own backward pass.

Widths are powers of two. Beside hs it keeps z, padded to whole vectors of rows: 8·T·B·H bytes in
float32. T steps, B batch, H hidden width (complex).
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from urnn_bench.kernels.choose import Fused
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.memory import PRECISIONS, address, aligned, dense
from urnn_bench.kernels.native.threads import THREADS, each
from urnn_bench.kernels.scan import State
from urnn_bench.kernels.unitary import Factors

_SOURCE = Path(__file__).with_name("urnn.c")
_FORWARD_SCRATCH, _BACKWARD_SCRATCH, _TOTALS = 4, 18, 8  # times H


_POINTERS = ("d1", "d2", "d3", "r1", "r2", "twiddle", "source", "bias")


class _Weights:
    """W's factors as the C code wants them; see ``weights`` in ``urnn.c``."""

    def __init__(self, w: Factors, bias: Tensor, eps: float) -> None:
        n, precision = len(bias), PRECISIONS[bias.dtype]
        order, twiddle = _tables(n, precision.complex)
        source = order[w.permutation[order]].to(torch.int32)
        tensors = (w.d1, w.d2[order] / n, w.d3, w.r1[order], w.r2, twiddle, source, bias)
        # the C code reads them by address, so they must outlive it
        self.tensors = [dense(t) for t in tensors]
        self.order = order
        self.library = compiler.library(_SOURCE, precision.defines)
        self.lanes = int(self.library.urnn_lanes())
        addresses = [t.data_ptr() for t in self.tensors]
        self.pointer = ctypes.byref(_struct(precision.real)(*addresses, eps, n))


class _Sequence(torch.autograd.Function):
    """hs (T, B, H) from the drive u (T, B, H), h0 (B, H) and the factors."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, h0: Tensor, *rest: Any) -> Tensor:
        """Run the C code forward; z is kept only if a gradient may be asked for."""
        d1, d2, d3, r1, r2, bias, permutation, eps, keep, threads = rest
        w = _Weights(Factors(d1, d2, d3, r1, r2, permutation), bias, eps)
        u, h0 = dense(u), dense(h0)
        (steps, batch, n), groups = u.shape, -(-u.shape[1] // w.lanes)
        hs = torch.empty_like(u)
        z = aligned(steps * groups * 2 * n * w.lanes, bias.dtype) if keep else None

        def run(first: int, last: int) -> None:
            scratch = aligned(_FORWARD_SCRATCH * n * w.lanes, bias.dtype)
            w.library.urnn_forward(
                w.pointer, steps, batch, first, last, *map(address, (u, h0, hs, z, scratch))
            )

        each(run, groups, threads)
        ctx.kept = (w, z, h0, threads)
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dhs: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward and turn its sums into the factors' gradients."""
        w, z, h0, threads = ctx.kept
        dhs = dense(dhs)
        (steps, batch, n), groups = dhs.shape, -(-dhs.shape[1] // w.lanes)
        du, dh0 = torch.empty_like(dhs), torch.empty_like(h0)
        totals = torch.empty(groups, _TOTALS * n, dtype=z.dtype)

        def run(first: int, last: int) -> None:
            scratch = aligned(_BACKWARD_SCRATCH * n * w.lanes, z.dtype)
            tensors = (z, h0, dhs, du, dh0, totals, scratch)
            w.library.urnn_backward(w.pointer, steps, batch, first, last, *map(address, tensors))

        each(run, groups, threads)
        return du, dh0, *_factor_gradients(w, totals.sum(0)), None, None, None, None


def _factor_gradients(w: _Weights, totals: Tensor) -> list[Tensor]:
    """Return the gradients of d1, d2, d3, r1, r2 and the bias.

    The C code sums dC/dθ for a diagonal e^{iθ}; along the circle, dC/dd is i d dC/dθ. What it
    sums for a mirror is -1/2 of the gradient.
    """
    n = len(w.order)
    reals, pairs = totals[: 4 * n].view(4, n), totals[4 * n :].view(2, n, 2)
    (d1, d2, d3), (p1, p2, p3, bias) = w.tensors[:3], reals
    r1, r2 = -2 * torch.view_as_complex(pairs)
    d2 = (n * d2)[w.order]  # bit reversal is its own inverse
    return [1j * d1 * p1, 1j * d2 * p2[w.order], 1j * d3 * p3, r1[w.order], r2, bias]


def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    """Return hs (T, B, H) and the last state of the cell of ``cells/urnn.py``."""
    u, f = cell.drive(x, w), w.factors
    tensors = (u, state[0], f.d1, f.d2, f.d3, f.r1, f.r2, w.bias)
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    hs: Tensor = _Sequence.apply(  # type: ignore[no-untyped-call]
        *tensors, f.permutation, cell.options.eps, keep, THREADS.get()
    )
    # a copy, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(),)


def _obstacle(cell: Any) -> str | None:
    if cell.hidden & (cell.hidden - 1):
        return f"{cell.hidden} units are no power of two"
    return compiler.obstacle(_SOURCE)


@cache
def _tables(n: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the bit-reversed order of n places, and the twiddles e^{-2πik/n}."""
    order = torch.zeros(1, dtype=torch.int64)
    while len(order) < n:
        order = torch.cat([2 * order, 2 * order + 1])
    angles = -2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
    return order, torch.polar(torch.ones_like(angles), angles).to(dtype)


@cache
def _struct(real: Any) -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    fields = [*pointers, ("eps", real), ("n", ctypes.c_int)]
    return type("Weights", (ctypes.Structure,), {"_fields_": fields})


URNN = Fused(frozenset({"cpu"}), run, _obstacle, own_threads=True)
