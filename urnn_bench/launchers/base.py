"""What a launcher is: a batch system that takes the command, or an engine that takes its stacks.

``launchers/slurm.py`` is the launcher ``slurm``: the file name is the registration.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from urnn_bench.errors import UnknownNameError
from urnn_bench.registry import Registry

if TYPE_CHECKING:
    from urnn_bench.records.folder import RunStatus
    from urnn_bench.run.context import Display, ExecutionOptions
    from urnn_bench.run.job_count import Jobs

_REGISTRY = Registry("launcher", "launchers")


class Submitted(NamedTuple):
    """The names of submitted jobs, how many tasks they have, and what a user types to cancel."""

    jobs: Sequence[str]
    tasks: int
    cancel: str


@dataclass(frozen=True)
class Submission:
    """A command for a batch system, how many runs it has, and about how long all of them take.

    ``words`` are what follows the program's name. ``tasks`` is the number that ``--jobs`` gave.
    """

    words: Sequence[str]
    runs: int
    expected_s: float
    results: Path
    tasks: int | None = None


class Launcher:
    """Trains runs elsewhere; ``argument`` is what follows the colon in ``--on NAME:ARGUMENT``."""

    def __init__(self, argument: str | None = None) -> None:
        self.argument = argument


class BatchLauncher(Launcher, ABC):
    """Hands the command over to a batch system, where each task of it trains what is left."""

    @abstractmethod
    def scripts(self, submission: Submission) -> list[str]:
        """Return the batch scripts, one for each array; raises UsageError."""

    @abstractmethod
    def submit(self, submission: Submission) -> Submitted:
        """Submit all scripts or none; raises UsageError."""


class StackLauncher(Launcher, ABC):
    """Trains stacks elsewhere while this process waits, shows them and keeps their records."""

    @abstractmethod
    def execute(
        self,
        jobs: "Jobs",
        options: "ExecutionOptions",
        display: "Display",
        should_stop: Callable[[], str | None],
    ) -> "Iterator[RunStatus]":
        """Yield the status of each run after it was trained or skipped."""


def own_variables() -> dict[str, str]:
    """Return this package's variables of the environment, which other machines need too."""
    own = {name: value for name, value in os.environ.items() if name.startswith("URNN_BENCH_")}
    return dict(sorted(own.items()))


def launcher_of(target: str) -> Launcher:
    """Return the launcher of ``NAME[:ARGUMENT]``; raise UnknownNameError, or UsageError."""
    name, _, argument = target.partition(":")
    if name not in _REGISTRY.names():
        raise UnknownNameError("launcher", name, _REGISTRY.names(), "--on: ")
    return _REGISTRY.get(name, Launcher)(argument or None)
