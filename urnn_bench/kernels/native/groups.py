"""Batch rows in groups: what one call of a C function takes, each row a lane of its vectors.

As many groups as can be are as wide as the processor's vectors. What is left over goes into the
narrowest vectors that hold it: of 20 rows, 16 and 4 cost three quarters of what 16 and 16 do.
"""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from urnn_bench.kernels.native.compiler import library
from urnn_bench.kernels.native.memory import PRECISIONS
from urnn_bench.kernels.native.threads import each

_NARROWEST_BYTES = 16


class Group(NamedTuple):
    """Rows from ``row`` on: its place among the groups, the code for it, and that code's lanes."""

    place: int
    row: int
    lanes: int
    library: ctypes.CDLL


def groups(source: Path, batch: int, dtype: torch.dtype) -> list[Group]:
    """Return the groups of ``batch`` rows, the narrow one last; compiles what is not yet."""
    code = library(source, PRECISIONS[dtype].defines)
    widest = int(code.lanes())
    full, left = divmod(batch, widest)
    found = [Group(i, i * widest, widest, code) for i in range(full)]
    return [*found, _last(source, full, left, widest, dtype)] if left else found


def over(function: Callable[[Group], None], those: list[Group], threads: int) -> None:
    """Call ``function`` for each group, in parallel."""

    def share(first: int, last: int) -> None:
        for group in those[first:last]:
            function(group)

    each(share, len(those), threads)


def _last(source: Path, place: int, left: int, widest: int, dtype: torch.dtype) -> Group:
    lanes = widest
    while lanes // 2 >= left and lanes // 2 * dtype.itemsize >= _NARROWEST_BYTES:
        lanes //= 2
    width = () if lanes == widest else (f"BYTES={lanes * dtype.itemsize}",)
    code = library(source, (*PRECISIONS[dtype].defines, *width))
    return Group(place, place * widest, lanes, code)
