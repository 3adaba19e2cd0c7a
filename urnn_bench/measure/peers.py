"""Other libraries that compute the same states of a reservoir, for tests and timings alone.

They are optional; a peer's library is imported when its states are asked for.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.native.reservoir import ReservoirCell, ReservoirWeights
from urnn_bench.kernels.reservoir_matrices import Cycle, Dense, Matrix

Numbers = NDArray[np.floating]
States = Callable[[int], list[Numbers]]


class _Reservoir(ReservoirCell, Protocol):
    def weights(self) -> ReservoirWeights:
        """Return the random weights."""


class Peer(NamedTuple):
    """A library, and the type in which it computes."""

    library: str
    dtype: torch.dtype
    prepared: Callable[[_Reservoir, Tensor], States]


def unavailable_reason(peer: str, cell: Cell) -> str | None:
    """Return why a peer cannot compute a cell, None if it can."""
    if not is_reservoir(cell):
        return "it computes reservoirs alone"
    if find_spec(PEERS[peer].library) is None:
        return f"it is not installed; pip install 'urnn-bench[peers]' brings {PEERS[peer].library}"
    return None


def is_reservoir(cell: Cell) -> TypeGuard[_Reservoir]:
    """Return whether a cell has the weights of a reservoir."""
    return isinstance(getattr(cell.weights(), "recurrent", None), Matrix)


def _reservoirpy(cell: _Reservoir, x: Tensor) -> States:
    """Return what computes the states of x (T, B, F) from zeros, a list of B arrays (T, H).

    Its argument is the number of workers. The first state has the type of the weights, which
    reservoirpy leaves at float64: it would convert the matrix at every step.
    """
    from reservoirpy.nodes import Reservoir

    w = cell.weights()
    units, _ = w.w_x.shape
    reservoir = Reservoir(
        W=_matrix(w.recurrent, units),
        Win=w.w_x.numpy(),
        bias=w.bias.numpy(),
        lr=float(w.leak),
        activation=cell.options.activation,
    )
    series = [*x.transpose(0, 1).contiguous().numpy()]
    reservoir.initialize(series)
    zeros = {"out": np.zeros(units, series[0].dtype)}

    def states(workers: int) -> list[Numbers]:
        reservoir.state = zeros
        found: list[Numbers] = reservoir.run(series, workers=workers)
        return found

    return states


def _matrix(form: Matrix, units: int) -> Numbers | csr_matrix:
    """Return W (H, H), sparse where most of it is zero."""
    if isinstance(form, Dense):
        return form.w.numpy()
    if isinstance(form, Cycle):
        # it does not know how many units it has
        return csr_matrix(form.product(torch.eye(units, dtype=form.weight.dtype)).T.numpy())
    return csr_matrix(form.matrix().numpy())


PEERS: Mapping[str, Peer] = {
    "reservoirpy": Peer("reservoirpy", torch.float32, _reservoirpy),
    "reservoirpy_float64": Peer("reservoirpy", torch.float64, _reservoirpy),
}
