"""Reservoirs on a CPU: ``reservoir.c``, forward only, as nothing of them is trained.

T steps, B batch, F inputs, H units.
"""

import ctypes
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.native.blocks import BLOCK, blocks
from urnn_bench.kernels.native.compiler import Source, unavailable_reason
from urnn_bench.kernels.native.groups import Group, for_each_group, groups
from urnn_bench.kernels.native.memory import address, aligned, dense, require
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.reservoir_matrices import Blocks, Cycle, Dense, Matrix, Ring, Sparse
from urnn_bench.kernels.time_loop import Recurrence, State, unroll
from urnn_bench.kernels.weights import InputWeights

_SOURCE = Source(Path(__file__).with_name("reservoir.c"), ("lanes", "reservoir_forward"))
# the enum of reservoir.c
_ACTIVATIONS = ("tanh", "relu", "identity")
_POINTERS = ("v", "bias", "w", "values", "link", "columns", "zeros", "waste")
_INTEGERS = ("activation", "inputs", "n", "block", "entries", "shift")


class ReservoirWeights(InputWeights, Protocol):
    """The weights of a reservoir."""

    @property
    def recurrent(self) -> Matrix:
        """The recurrent matrix."""

    @property
    def leak(self) -> Tensor:
        """Share of a unit that is new at every step ()."""


class _Options(Protocol):
    @property
    def activation(self) -> str:
        """The function f."""

    @property
    def noise(self) -> float:
        """What is added to the input of f in updates."""


# Any: a cell's own NamedTuple has more than the kernel reads
class ReservoirCell(Recurrence[Any], Protocol):
    """A reservoir."""

    @property
    def options(self) -> _Options:
        """Where the activation is."""


class _Form(NamedTuple):
    """A recurrent matrix as the C code has it; what it has not is None."""

    w: Tensor | None = None
    columns: Tensor | None = None
    values: Tensor | None = None
    link: Tensor | None = None
    shift: int = 0

    @property
    def integers(self) -> tuple[int, int, int]:
        """Units of a block, entries of a row, and how far back a link goes."""
        return _width(self.w), _width(self.values), self.shift


def _width(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.shape[-1]


def _form(matrix: Matrix, units: int) -> _Form:
    match matrix:
        case Dense(w):
            return _Form(w=w[None])
        case Sparse(columns, values):
            return _Form(columns=columns, values=values)
        case Blocks(w):
            return _Form(w=w)
        case Ring(w, link):
            return _Form(w=w, link=link, shift=w.shape[1])
        case Cycle(weight):
            return _Form(link=weight.expand(units), shift=1)


class _Weights:
    """The numbers in the order in which the C code reads them."""

    def __init__(self, activation: str, w: ReservoirWeights) -> None:
        (units, inputs), form = w.w_x.shape, _form(w.recurrent, len(w.bias))
        matrices = None if form.w is None else torch.stack([blocks(matrix) for matrix in form.w])
        numbers = (w.bias, matrices, form.values, form.link, form.columns)
        # rows for lanes that have none of the batch: zeros to read, waste to write to
        idle_rows = w.bias.new_zeros(2, max(units, inputs))
        # the C code reads them by address, so they must outlive it
        self.tensors = (
            blocks(w.w_x),
            *(None if t is None else dense(t) for t in numbers),
            *idle_rows,
        )
        integers = (_ACTIVATIONS.index(activation), inputs, units, *form.integers)
        self.pointer = ctypes.byref(
            _struct()(*map(address, self.tensors), float(w.leak), *integers)
        )


def reservoir(
    activation: str, x: Tensor, h0: Tensor, w: ReservoirWeights, *, keep: bool
) -> tuple[Tensor | None, Tensor]:
    """Return h over time (T, B, H) if it is kept, and the last h, of x (T, B, F) and h0 (B, H).

    No gradient goes through it. Raises KernelError if C code cannot read a tensor.
    """
    (steps, batch, _), (units, inputs), dtype = x.shape, w.w_x.shape, w.w_x.dtype
    require("x", x, (None, None, inputs), dtype)
    require("the state", h0, (batch, units), dtype)
    weights, x, h0 = _Weights(activation, w), dense(x), dense(h0)
    hs, last = (x.new_empty(steps, batch, units) if keep else None), torch.empty_like(h0)

    def run(group: Group) -> None:
        scratch = aligned((3 * (units + BLOCK) + inputs) * group.lanes, dtype)
        tensors = map(address, (x, h0, hs, last, scratch))
        group.library.reservoir_forward(weights.pointer, steps, batch, group.row, *tensors)

    for_each_group(run, groups(_SOURCE, batch, dtype), THREADS.get())
    return hs, last


def _needs_grad(x: Tensor, state: State) -> bool:
    # what is below a reservoir is rarely trained
    return torch.is_grad_enabled() and any(t.requires_grad for t in (x, *state))


def _run(cell: ReservoirCell, x: Tensor, state: State, w: ReservoirWeights) -> tuple[Tensor, State]:
    if _needs_grad(x, state):
        return unroll(cell, x, state, w)
    hs, last = reservoir(cell.options.activation, x, state[0], w, keep=True)
    assert hs is not None
    return hs, (last,)


def _last_state(cell: ReservoirCell, x: Tensor, state: State, w: ReservoirWeights) -> State:
    if _needs_grad(x, state):
        return unroll(cell, x, state, w)[1]
    return (reservoir(cell.options.activation, x, state[0], w, keep=False)[1],)


def _unavailable_for(cell: ReservoirCell) -> str | None:
    return "it adds no noise" if cell.options.noise else unavailable_reason(_SOURCE)


@cache
def _struct() -> type[ctypes.Structure]:
    pointers = [(name, ctypes.c_void_p) for name in _POINTERS]
    integers = [(name, ctypes.c_int) for name in _INTEGERS]
    fields = [*pointers, ("leak", ctypes.c_double), *integers]
    return type("Weights", (ctypes.Structure,), {"_fields_": fields})


RESERVOIR: Implementation[ReservoirCell, ReservoirWeights] = Implementation(
    frozenset({"cpu"}),
    _run,
    _unavailable_for,
    own_threads=True,
    warm_up=partial(groups, _SOURCE),
    last_state=_last_state,
)
