"""The time loop: the reference that every faster kernel is tested against.

T steps, B batch, F input features, H hidden width, M models.
"""

from collections.abc import Iterator
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from typing_extensions import TypeVar

State = tuple[Tensor, ...]
# a NamedTuple of tensors, nested or not; only the cell and its kernels know which
Weights = tuple[object, ...]

W = TypeVar("W", default=Weights)
W_contra = TypeVar("W_contra", contravariant=True, default=Weights)


class HasDrive(Protocol[W_contra]):
    """The input projection of a recurrence, which is all that most kernels call."""

    def drive(self, x: Tensor, w: W_contra, /) -> Tensor:
        """Return all that does not depend on the state, for all steps: (T, B, F) to (T, B, ...)."""


class Recurrence(HasDrive[W_contra], Protocol[W_contra]):
    """What the time loop needs of a cell."""

    def step(self, u: Tensor, state: State, w: W_contra, /) -> State:
        """Return the state after one step with the drive ``u`` (B, ...)."""


def iterate_states(cell: Recurrence[W], x: Tensor, state: State, w: W) -> Iterator[State]:
    """Yield the state after each step of ``x`` (T, B, F)."""
    # unbind, never u[t]: the backward pass of an index fills a gradient of the size of u with
    # zeros and adds it up, T times, so it would be quadratic in T
    for u in cell.drive(x, w).unbind(0):
        state = cell.step(u, state, w)
        yield state


def unroll(cell: Recurrence[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    """Return h over time (T, B, H) and the last state, for ``x`` (T, B, F)."""
    states = list(iterate_states(cell, x, state, w))
    return torch.stack([s[0] for s in states]), states[-1]


def stacked(cell: Recurrence[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    """Return what ``unroll`` returns, for a stack of M models.

    x is (M, T, B, F), h over time (M, T, B, H); states and weights have an axis of M in front.
    """
    # vmap and not a loop over M: at these sizes an update is bound by the launch of its operations,
    # not by their arithmetic, and their number stays that of one model
    outputs: tuple[Tensor, State] = torch.vmap(partial(unroll, cell))(x, state, w)
    return outputs
