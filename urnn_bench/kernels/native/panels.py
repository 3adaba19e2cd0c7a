"""Matrices in the panels that ``panels.h`` multiplies by, and the code that does so in threads.

P width of a panel.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from urnn_bench.kernels.native import compiler
from urnn_bench.kernels.native.compiler import Source
from urnn_bench.kernels.native.memory import PRECISIONS, address, aligned
from urnn_bench.kernels.native.threads import share_out

_SIZES = ("panel_rows", "panel_width", "panel_strip")


def source(name: str, functions: Sequence[str]) -> Source:
    """Return a C file that includes ``panels.h``, and the functions that are called of both."""
    return Source(Path(__file__).with_name(name), (*_SIZES, "panel_outer", *functions))


class Code:
    """The compiled code of a precision, the sizes it works in, and the threads that run it."""

    def __init__(self, file: Source, dtype: torch.dtype, threads: int) -> None:
        self.library = compiler.library(file, PRECISIONS[dtype].defines)
        self.rows, self.panel, self.strip = (int(getattr(self.library, s)()) for s in _SIZES)
        self.dtype, self.threads = dtype, threads

    def rounded(self, columns: int) -> int:
        """Return the columns of as many whole panels as hold these."""
        return columns + -columns % self.panel

    def panels(self, matrix: Tensor) -> Tensor:
        """Return (rows, columns) in panels of columns, each row by row: (columns/P, rows, P)."""
        columns = pad(matrix.detach(), (0, -matrix.shape[1] % self.panel))
        blocks = columns.reshape(len(matrix), -1, self.panel).transpose(0, 1)
        return aligned(blocks.numel(), self.dtype).copy_(blocks.flatten())

    def run(
        self, name: str, rows: int, sizes: tuple[object, ...], *tensors: Tensor | None, scratch: int
    ) -> None:
        """Call a function of the library for shares of ``rows``, each with memory of its own."""
        function = getattr(self.library, name)

        def share(first: int, last: int) -> None:
            memory = aligned(scratch, self.dtype)
            function(*sizes, first, last, *map(address, (*tensors, memory)))

        share_out(share, rows, self.threads)

    def outer(self, dw: Tensor, d: Tensor, y: Tensor) -> None:
        """Add the sum over T and B of d yᵀ to ``dw``, whose rows are rounded up."""
        columns = y.shape[-1]
        # the size of a product of three: beyond what ctypes takes for an int
        sizes = (d.shape[-1], columns, ctypes.c_ssize_t(y.shape[:-1].numel()))
        scratch = self.strip * (self.rounded(columns) + len(dw) + self.rows)
        self.run("panel_outer", len(dw), sizes, d, y, dw, scratch=scratch)


@cache
def weights_struct(pointers: tuple[str, ...]) -> type[ctypes.Structure]:
    """Return the struct of weights that the C code reads: their addresses, H and F."""
    addresses = [(name, ctypes.c_void_p) for name in pointers]
    numbers = [(name, ctypes.c_int) for name in ("n", "features")]
    return type("Weights", (ctypes.Structure,), {"_fields_": [*addresses, *numbers]})
