"""The recurrent weights of a network: how many numbers and bytes a step in time reads.

Its input and its state do not count, nor what can be computed for all steps at once, as input
projections and what surrounds the recurrence of a layer.
"""

from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell, recurrent_weights_of
from urnn_bench.errors import attempt

# layouts of a matrix of few entries, with the tensors that say where they are
_INDICES = {
    torch.sparse_csr: (Tensor.crow_indices, Tensor.col_indices),
    torch.sparse_bsr: (Tensor.crow_indices, Tensor.col_indices),
    torch.sparse_csc: (Tensor.ccol_indices, Tensor.row_indices),
    torch.sparse_bsc: (Tensor.ccol_indices, Tensor.row_indices),
    torch.sparse_coo: (Tensor._indices,),
}


class RecurrentMemory(NamedTuple):
    """How many numbers a step reads as weights, and the bytes of all that it reads."""

    weights: int
    bytes: int


def recurrent_memory(cell: Cell[Any]) -> RecurrentMemory:
    """Return the recurrent weights of all layers and directions of a network, and their bytes.

    A complex number counts as two, and an entry of a sparse matrix as one. Indices take bytes and
    are no weights. Raises what a method of the cell raises.
    """
    tensors = [t for part in cell.parts for t in recurrent_weights_of(part, part.weights())]
    return RecurrentMemory(sum(map(_numbers, tensors)), sum(map(_bytes, tensors)))


def known_recurrent_memory(cell: Cell[Any]) -> RecurrentMemory | None:
    """Return the same, and None for a cell that raises; the cell is left as it is."""
    found = attempt(lambda: recurrent_memory(_copy(cell).eval()))
    return None if isinstance(found, Exception) else found


def _copy(cell: Cell[Any]) -> Cell[Any]:
    """Return a copy of a cell, as a step of a user's may count calls or change a buffer."""
    # deepcopy raises for matrices of sparse rows
    copies = {id(t): t.clone() for t in cell.buffers() if t.layout in _INDICES}
    return deepcopy(cell, copies)


def _parts(tensor: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the values of a tensor, and the tensors that say where they are if it is sparse."""
    if tensor.layout not in _INDICES:
        return tensor, ()
    values = tensor._values() if tensor.is_sparse else tensor.values()
    return values, tuple(indices(tensor) for indices in _INDICES[tensor.layout])


def _numbers(tensor: Tensor) -> int:
    values, _ = _parts(tensor)
    if values.is_complex():
        return 2 * values.numel()
    return values.numel() if values.is_floating_point() else 0


def _bytes(tensor: Tensor) -> int:
    values, indices = _parts(tensor)
    return sum(t.numel() * t.element_size() for t in (values, *indices))
