"""Other libraries that compute the same states of a reservoir, for tests and timings alone.

They are optional; a peer's library is imported when its states are asked for.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np
import torch
from joblib import parallel_config
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.errors import UnknownNameError, UsageError
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


def require_installed(peers: Iterable[str]) -> None:
    """Raise UnknownNameError for a peer that does not exist, UsageError if it is not installed."""
    for peer in peers:
        if peer not in PEERS:
            raise UnknownNameError("peer", peer, PEERS)
        library = PEERS[peer].library
        if find_spec(library) is None:
            raise UsageError(
                f"--peer {peer}: {library} is not installed; install it with "
                f"`pip install {library}`"
            )


def unavailable_reason(cell: Cell) -> str | None:
    """Return why no peer can compute a cell, None if they can."""
    return None if is_reservoir(cell) else "it computes reservoirs alone"


def states_of(peer: str, cell: Cell, x: Tensor) -> Tensor:
    """Return the states of x (T, B, F) from zeros by a peer (T, B, H)."""
    return torch.from_numpy(np.stack(_prepared(peer, cell, x)(1), 1))


def fastest(peer: str, cell: Cell, x: Tensor, threads: int) -> Callable[[], object]:
    """Return what computes the same by the fastest way of using so many threads.

    Each way is tried twice on as many sequences, as the first call starts processes.
    """
    dtype = PEERS[peer].dtype
    cell, x = deepcopy(cell).to(dtype), x.to(dtype)
    few, whole = (_prepared(peer, cell, part) for part in (x[:, :threads], x))
    ways = [partial(_in_this_thread, blas_threads=blas) for blas in dict.fromkeys((1, threads))]
    if threads > 1:
        ways += [partial(way, threads=threads) for way in (_in_threads, _in_processes)]
    return partial(min(ways, key=lambda way: _second_call_s(partial(way, few))), whole)


def _second_call_s(function: Callable[[], object]) -> float:
    function()
    began_s = perf_counter()
    function()
    return perf_counter() - began_s


def _in_this_thread(states: States, blas_threads: int) -> list[Numbers]:
    with threadpool_limits(blas_threads):
        return states(1)


def _in_threads(states: States, threads: int) -> list[Numbers]:
    with threadpool_limits(1), parallel_config("threading"):
        return states(threads)


def _in_processes(states: States, threads: int) -> list[Numbers]:
    # joblib's default
    with parallel_config("loky", inner_max_num_threads=1):
        return states(threads)


def _prepared(peer: str, cell: Cell, x: Tensor) -> States:
    assert is_reservoir(cell), unavailable_reason(cell)
    return PEERS[peer].prepared(cell, x)


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
