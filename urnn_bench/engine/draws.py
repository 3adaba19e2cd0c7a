"""Random numbers of components: every draw from a global generator follows a stream of the run.

A batch, an update and a score each have a stream of their own, a function of the seed and of what
is computed. So nothing is saved, and a run is the same alone, in a stack and after it is resumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from urnn_bench.errors import ComponentError
from urnn_bench.events import SplitName
from urnn_bench.random_streams import global_states, may_draw, seed_globals
from urnn_bench.tasks.base import LENGTHS, Batch, Task

Returned = TypeVar("Returned")

DRAWS = "the cell, the readout or the task draws random numbers"


@dataclass
class Draws:
    """Whether the components of a run, or of its whole stack, draw from global generators.

    It is ``possible`` for components of a user's, and ``seen`` once a stack has met it. Until then
    the runs of a stack are computed together, and an update that draws raises DrawnError.
    """

    possible: bool = False
    is_stack: bool = False
    seen: bool = False

    @property
    def must_be_refused(self) -> bool:
        """Whether a draw would mix the random numbers of several runs."""
        return self.possible and self.is_stack and not self.seen

    def seed(self, seed: int, *path: str | int) -> None:
        """Set the global generators to the stream of what comes next."""
        if self.possible:
            seed_globals(seed, *path)


class DrawnError(Exception):
    """An update of a stack has drawn from a global generator, which all its runs share."""


def refuse_draws(draws: Draws, function: Callable[[], Returned]) -> Returned:
    """Return what a function returns; raise DrawnError if it draws and must not."""
    if not draws.must_be_refused:
        return function()
    before = global_states()
    result = function()
    if global_states() != before:
        raise DrawnError(DRAWS)
    return result


def batch_of(task: Task, split: SplitName, index: int, size: int, seed: int) -> Batch:
    """Return a batch, a function of the arguments even if the task ignores its generator.

    Raises ComponentError for ``lengths`` that no network can answer at.
    """
    if may_draw(task):
        # not the path of the generator that the task is given, whose numbers would be the same
        seed_globals(seed, "global", "data", split, index)
    batch = task.batch(split, index, size, seed)
    # what is no batch at all is told of with the task's contract
    if isinstance(batch, Batch) and batch.lengths is not None:
        _check_lengths(task, batch, task.carries_state(split, index + 1, size))
    return batch


@runtime_checkable
class ChecksInput(Protocol):
    """A network that has a check of its inputs, or None if it takes every input."""

    @property
    def input_check(self) -> Callable[[Tensor], None] | None:
        """Raise for an input that the network cannot take."""


def checked_batch_of(
    model: nn.Module, task: Task, split: SplitName, index: int, size: int, seed: int
) -> Batch:
    """Return a batch on the host for a network; raise what the network does for other inputs."""
    batch = batch_of(task, split, index, size, seed)
    check_input(model, batch.x)
    return batch


def check_input(model: nn.Module, x: Tensor) -> None:
    """Raise what a network does for an input on the host that it cannot take."""
    if isinstance(model, ChecksInput) and model.input_check is not None:
        model.input_check(x)


def _check_lengths(task: Task, batch: Batch, is_carried: bool) -> None:
    """Raise ComponentError unless each sequence ends at one of its steps, and then for good."""
    name, lengths = type(task).__name__, batch.extras[LENGTHS]
    if task.signature.feedback_steps:
        raise ComponentError(
            f"the task {name} has `feedback_steps`, the last of T, and its batches have `lengths`, "
            "which end before; fill every sequence, or leave out the feedback"
        )
    if is_carried:
        raise ComponentError(
            f"the task {name} carries states over and its batches have `lengths`, after which a "
            "state has no meaning; fill every sequence, or let `carries_state` return False"
        )
    steps, size = batch.x.shape[:2]
    if not _are_integers(lengths, size):
        raise ComponentError(
            f"the task {name}: the extra `lengths` must be {size} integers of int64, one for "
            "each sequence"
        )
    if size and not 1 <= int(lengths.min()) <= int(lengths.max()) <= steps:
        raise ComponentError(
            f"the task {name}: the extra `lengths` has {int(lengths.min())} to "
            f"{int(lengths.max())} steps, and a sequence has 1 to {steps}"
        )


def _are_integers(value: object, count: int) -> bool:
    if not isinstance(value, Tensor):
        return False
    return value.shape == (count,) and value.dtype == torch.int64
