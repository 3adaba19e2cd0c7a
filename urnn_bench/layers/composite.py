"""What the cells that are made of cells have in common; their first state is their output.

M models, T steps, B batch, R features.
"""

from abc import abstractmethod
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.kernels.time_loop import State, W
from urnn_bench.kernels.time_loop import stacked as stacked_loop

# on "meta" there are no values: memory is counted there
DEVICES = frozenset({"cpu", "cuda", "mps", "meta"})


class CompositeCell(Cell[W]):
    """A cell of cells of one type, each of which runs by the first kernel of its own that can."""

    @property
    @abstractmethod
    def inner(self) -> tuple[Cell, ...]:
        """The cells that it is made of, in the order of their states."""

    @property
    def parts(self) -> tuple[Cell, ...]:
        """The inner cells, and of those that have parts theirs."""
        return tuple(part for cell in self.inner for part in cell.parts)

    def initial_state(self, batch: int) -> State:
        """Return zeros for the output (B, R), and those of the inner cells."""
        states = [s for cell in self.inner for s in cell.initial_state(batch)]
        like = next(self.parameters(), states[0].real)
        return (like.new_zeros(batch, self.features), *states)

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of the inner cells."""
        return tuple(p for cell in self.inner for p in cell.orthogonal_parameters())

    def recurrent_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of the inner cells; what surrounds them has none."""
        return tuple(p for cell in self.inner for p in cell.recurrent_parameters())

    def on_update_end(self, step: int) -> None:
        """Tell the inner cells."""
        for cell in self.inner:
            cell.on_update_end(step)

    def warm_up(self, batch: int, dtype: torch.dtype) -> None:
        """Do what the first batch of the inner cells' kernels would wait for."""
        # a cell of which nothing is trained may have buffers alone
        device = next(chain(self.parameters(), self.buffers())).device.type
        for cell in self.inner:
            kernel_of(cell, device).warm_up(batch, dtype)


def kernel_of(cell: Cell, device: str) -> Choice:
    """Return the kernel of an inner cell on a device: the first that can run."""
    return choose(cell, device, "auto")


def run_of(
    cell: Cell, x: Tensor, state: State, w: Any, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return h over time and the last states of an inner cell, of x (T, B, F)."""
    kernel = kernel_of(cell, x.device.type)
    if lengths is None or kernel.padded is None:
        return kernel.run(x, state, w)
    return kernel.padded(x, state, w, lengths)


def run_stack_of(
    cell: Cell, x: Tensor, state: State, w: Any, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return the same of an inner cell in M networks, of x (M, T, B, F)."""
    kernel = kernel_of(cell, x.device.type)
    if lengths is not None and kernel.padded_stacked is not None:
        return kernel.padded_stacked(x, state, w, lengths)
    if kernel.stacked is None:
        return stacked_loop(cell, x, state, w)
    return kernel.stacked(x, state, w)


def run_each_of(cell: Cell, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    """Return the same, of one network after another where the cell's kernel computes one."""
    kernel = kernel_of(cell, x.device.type)
    if kernel.stacked is not None:
        return kernel.stacked(x, state, w)
    tensors, form = tree_flatten((x, state, w))
    networks = zip(*(tensor.unbind(0) for tensor in tensors), strict=True)
    runs = [kernel.run(*tree_unflatten([*network], form)) for network in networks]
    hs, lasts = zip(*runs, strict=True)
    return torch.stack(hs), tuple(map(torch.stack, zip(*lasts, strict=True)))


def takes_lengths(cell: Cell) -> bool:
    """Return whether a cell reads every sequence from its own end, where lengths differ."""
    return any(kernel.padded is not None for kernel in cell.kernels.values())
