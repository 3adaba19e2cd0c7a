"""The time loop: the reference that every faster kernel is tested against.

T steps, B batch, F input features, H hidden width, M models.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten
from typing_extensions import TypeVar

State = tuple[Tensor, ...]
# a tensor, or a NamedTuple, tuple, list or dict of tensors, nested or not; the first axis of each
# is T, and the second B or none: a tensor (T, ...) is shared by the batch
Drive = Tensor | tuple[object, ...] | list[Any] | dict[str, Any]
# a NamedTuple of tensors, nested or not; only the cell and its kernels know which
Weights = tuple[object, ...]

W = TypeVar("W", default=Weights)
W_contra = TypeVar("W_contra", contravariant=True, default=Weights)


class HasDrive(Protocol[W_contra]):
    """The input projection of a recurrence, which is all that most kernels call."""

    def drive(self, x: Tensor, w: W_contra, /) -> Tensor:
        """Return all that does not depend on the state, for all steps: (T, B, F) to (T, B, ...)."""


class Recurrence(Protocol[W_contra]):
    """What the time loop needs of a cell."""

    def drive(self, x: Tensor, w: W_contra, /) -> Drive:
        """Return all that does not depend on the state, for all steps of ``x`` (T, B, F)."""

    def step(self, u: Any, state: State, w: W_contra, /) -> State:
        """Return the state after one step with its part of the drive, each tensor without T."""


def unbind_steps(drive: Drive) -> Iterable[Drive]:
    """Return the drive of every step: a tree of the same form, each tensor without its axis T."""
    # unbind, never u[t]: the backward pass of an index fills a gradient of the size of u with
    # zeros and adds it up, T times, so it would be quadratic in T
    if isinstance(drive, Tensor):
        return drive.unbind(0)
    tensors, form = tree_flatten(drive)
    return (tree_unflatten(u, form) for u in zip(*(t.unbind(0) for t in tensors), strict=True))


def iterate_states(cell: Recurrence[W], x: Tensor, state: State, w: W) -> Iterator[State]:
    """Yield the state after each step of ``x`` (T, B, F)."""
    for u in unbind_steps(cell.drive(x, w)):
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
