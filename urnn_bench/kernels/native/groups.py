"""Batch rows in groups: what one call of a C function takes, each row a lane of its vectors.

As many groups as can be are as wide as the processor's vectors. What is left over goes into the
narrowest vectors that hold it: 20 rows as 16 and 4 take four fifths of the time of 16 and 16.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch

from urnn_bench.errors import KernelError
from urnn_bench.kernels.native.compiler import Source, library
from urnn_bench.kernels.native.memory import PRECISIONS
from urnn_bench.kernels.native.threads import share_out

_NARROWEST_BYTES = 16  # SSE's and NEON's: a narrower vector is not cheaper


class Group(NamedTuple):
    """Rows from ``row`` on: its place among the groups, the code for it, and that code's lanes.

    A lane is a place in a vector, so ``lanes`` is the number of rows that the code takes.
    """

    place: int
    row: int
    lanes: int
    library: ctypes.CDLL


def groups(source: Source, batch: int, dtype: torch.dtype) -> list[Group]:
    """Return the groups of ``batch`` rows, the narrow one last, and compile what they need.

    Raises KernelError if it cannot be compiled.
    """
    code = library(source, PRECISIONS[dtype].defines)
    widest = int(code.lanes())
    row_groups = [Group(i, row, widest, code) for i, row in enumerate(range(0, batch, widest))]
    if remainder := batch % widest:
        row_groups[-1] = _narrowed(row_groups[-1], source, remainder, dtype)
    return row_groups


def for_each_group(
    function: Callable[[Group], None], row_groups: list[Group], threads: int
) -> None:
    """Call ``function`` for each group, in parallel."""

    def share(first: int, last: int) -> None:
        for group in row_groups[first:last]:
            function(group)

    share_out(share, len(row_groups), threads)


def _narrowed(group: Group, source: Source, rows: int, dtype: torch.dtype) -> Group:
    lanes = group.lanes
    while lanes // 2 >= rows and lanes // 2 * dtype.itemsize >= _NARROWEST_BYTES:
        lanes //= 2
    if lanes == group.lanes:
        return group
    code = _narrow(source, lanes * dtype.itemsize, dtype)
    # without it a vector with idle lanes does the same
    return group if code is None else group._replace(lanes=lanes, library=code)


@cache
def _narrow(source: Source, size_bytes: int, dtype: torch.dtype) -> ctypes.CDLL | None:
    try:
        return library(source, (*PRECISIONS[dtype].defines, f"BYTES={size_bytes}"))
    except KernelError:
        return None
