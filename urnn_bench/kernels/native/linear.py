"""The readout of a whole sequence on a CPU: ``linear.c``, fast for few outputs.

A library's product packs its operands into tiles first, which is lost on an output of ten columns.

M rows, K features, O outputs, padded to P.
"""

import ctypes
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from urnn_bench.kernels.autograd import Context
from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.memory import PRECISIONS, address, dense, require
from urnn_bench.kernels.native.threads import THREADS, share_out

SOURCE = Source(
    Path(__file__).with_name("linear.c"),
    ("linear_group", "linear_block", "linear_forward", "linear_backward"),
)


class _Context(Context[tuple[Tensor, Tensor]], Protocol):
    library: ctypes.CDLL
    size: tuple[ctypes.c_long, int, int]
    groups: int
    threads: int


class _Readout(torch.autograd.Function):
    """x (M, K), weight (P, K) and bias (P) to (M, P)."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor, weight: Tensor, bias: Tensor, threads: int) -> Tensor:
        """Run the C code forward."""
        library = compiler.library(SOURCE, PRECISIONS[x.dtype].defines)
        x, weight, bias = dense(x), dense(weight), dense(bias)
        groups = -(-len(x) // int(library.linear_group()))
        y, size = x.new_empty(len(x), len(bias)), (ctypes.c_long(len(x)), x.shape[1], len(bias))

        def run(first: int, last: int) -> None:
            library.linear_forward(*size, first, last, *map(address, (x, weight, bias, y)))

        share_out(run, groups, threads)
        ctx.library, ctx.size, ctx.groups, ctx.threads = library, size, groups, threads
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, g: Tensor) -> tuple[Tensor | None, ...]:
        """Run the C code backward."""
        x, weight = ctx.saved_tensors
        g = dense(g)
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        # one sum for each group of rows, added up below in a fixed order: the result does not
        # depend on the number of threads
        dw = weight.new_empty(ctx.groups, *weight.shape)

        def run(first: int, last: int) -> None:
            tensors = (x, weight, g, dx, dw)
            ctx.library.linear_backward(*ctx.size, first, last, *map(address, tensors))

        share_out(run, ctx.groups, ctx.threads)
        return dx, dw.sum(0), g.sum(0), None


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x Wᵀ + b: (..., K) to (..., O); raise KernelError if C code cannot read them."""
    (outputs, features), dtype = weight.shape, weight.dtype
    require("bias", bias, (outputs,), dtype)
    require("x", x, (*x.shape[:-1], features), dtype)
    library = compiler.library(SOURCE, PRECISIONS[dtype].defines)
    # the C code takes outputs in blocks; the rows of padding stay zero and are cut off again
    spare = -len(bias) % int(library.linear_block())
    padded = (pad(weight, (0, 0, 0, spare)), pad(bias, (0, spare)))
    y: Tensor = _Readout.apply(x.flatten(0, -2), *padded, THREADS.get())  # type: ignore[no-untyped-call]
    return y[:, : len(bias)].view(*x.shape[:-1], len(bias))
