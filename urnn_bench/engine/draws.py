"""Random numbers of components: every draw from a global generator follows a stream of the run.

A batch, an update and a score each have a stream of their own, a function of the seed and of what
is computed. So nothing is saved, and a run is the same alone, in a stack and after it is resumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from urnn_bench.events import SplitName
from urnn_bench.random_streams import global_states, may_draw, seed_globals
from urnn_bench.tasks.base import Batch, Task

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
    """Return a batch, a function of the arguments even if the task ignores its generator."""
    if may_draw(task):
        # not the path of the generator that the task is given, whose numbers would be the same
        seed_globals(seed, "global", "data", split, index)
    return task.batch(split, index, size, seed)
