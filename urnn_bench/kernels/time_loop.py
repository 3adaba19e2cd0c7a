"""The time loop: the one definition that every faster kernel is held to.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Iterator
from functools import partial
from typing import Protocol, TypeVar

import torch
from torch import Tensor

State = tuple[Tensor, ...]
W = TypeVar("W", contravariant=True)


class Recurrence(Protocol[W]):
    """What the time loop needs of a cell."""

    def drive(self, x: Tensor, w: W, /) -> Tensor:
        """Return all that does not depend on the state, for all steps at once: (T, B, ...)."""

    def step(self, u: Tensor, state: State, w: W, /) -> State:
        """Return the state after one step with the drive ``u`` (B, ...)."""


def iterate_states(cell: Recurrence[W], x: Tensor, state: State, w: W) -> Iterator[State]:
    """Yield the state after each step of ``x`` (T, B, F)."""
    # unbind, never u[t]: indexing makes the backward pass quadratic in T
    for u in cell.drive(x, w).unbind(0):
        state = cell.step(u, state, w)
        yield state


def stacked(cell: Recurrence[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    """Return what ``unroll`` returns, for M models at once.

    x is (M, T, B, F), h over time (M, T, B, H); states and weights have their M models in front.
    """
    found: tuple[Tensor, State] = torch.vmap(partial(unroll, cell))(x, state, w)
    return found


def unroll(cell: Recurrence[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
    """Return h over time (T, B, H) and the last state, for ``x`` (T, B, F)."""
    states = list(iterate_states(cell, x, state, w))
    return torch.stack([s[0] for s in states]), states[-1]
