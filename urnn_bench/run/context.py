"""How runs are executed, and where what happens is shown."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from urnn_bench.events import Event
from urnn_bench.proposals import Command
from urnn_bench.records.folder import RunStatus
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run.changed_data import CurrentData
from urnn_bench.run.device import Backend
from urnn_bench.spec.run import Run


class Display(Protocol):
    """Shows runs to people or to programs."""

    def start(self, record: Record) -> None:
        """A run begins, or resumes at ``record.steps_done``."""

    def show(self, run: Run, event: Event) -> None:
        """Something happened in a run."""

    def end(self, record: Record) -> None:
        """A run has ended with the status of its record."""

    def score(self, record: Record, length: int) -> None:
        """An ended run is scored at another length."""

    def skip(self, run: Run, status: RunStatus) -> None:
        """A run is skipped: it is done, another process is training it, or it is refused."""


@dataclass(frozen=True)
class ExecutionOptions:
    """How runs are executed; nothing here is part of a result's identity.

    ``jobs`` is the number of processes that train runs of the command at the same time. ``command``
    is what the user gave, for the commands that messages propose.
    """

    components: Components
    backend: Backend
    results: Path
    time_limit_s: float | None = None
    force: bool = False
    jobs: int = 1
    command: Command = field(default_factory=Command)
    data: CurrentData = field(default_factory=CurrentData, compare=False, repr=False)

    def command_again(self, run: Run) -> str:
        """Return the command that trains this run alone again."""
        return str(self._again(run))

    def check_data(self, run: Run, record: Record) -> None:
        """Raise RecordsError if a run that has ended was trained on other data than there are."""
        self.data.check(self.components, run, record, self._again(run))

    def _again(self, run: Run) -> Command:
        of_run = self.command.of_run(run.benchmark, run.label, run.T, run.seed)
        return replace(of_run, force=True)
