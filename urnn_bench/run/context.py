"""How runs are carried out, and who is shown what happens."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from urnn_bench.events import Event
from urnn_bench.records.folder import RunStatus
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run.device import Backend
from urnn_bench.spec.run import Run


class Display(Protocol):
    """Whoever shows a run to people or to programs."""

    def start(self, record: Record) -> None:
        """A run begins, or goes on from ``record.steps_done``."""

    def show(self, run: Run, event: Event) -> None:
        """Something happened in a run that has begun."""

    def end(self, record: Record) -> None:
        """A run has ended, in the state its record says."""

    def skip(self, run: Run, state: RunStatus) -> None:
        """A run is left alone: it is done, or another process is at it."""


@dataclass(frozen=True)
class ExecutionOptions:
    """How runs are carried out; nothing here belongs to a result's identity."""

    components: Components
    backend: Backend
    results: Path
    time_limit_s: float | None = None
    force: bool = False


@dataclass(frozen=True)
class Shell:
    """Who is shown what happens, and who may ask to stop (with the name of a signal)."""

    display: Display
    stop: Callable[[], str | None] = lambda: None
