"""The runs of a trial, trained up to a rung and scored there on validation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite

from urnn_bench.errors import RecordsError
from urnn_bench.events import Event, Updated
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, REFUSED, RunStatus, folder_of, status_of_run
from urnn_bench.records.record import FINAL, GOOD, INTERRUPTED, RUNNING, Record
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.scheduler import execute_matrix
from urnn_bench.spec.run import Run

Stop = Callable[[], str | None]

# the record of a run that was killed says that it is running
_CAN_GO_ON = {*GOOD, INTERRUPTED, RUNNING}


class StoppedError(Exception):
    """A signal has asked to stop; the trial goes on when the search is started again."""


@dataclass
class _Pause:
    """Shows nothing, and asks a run to stop at a rung."""

    rung: int
    stop: Stop
    step: int = 0

    def __call__(self) -> str | None:
        """Return why to stop, if there is a reason."""
        return self.stop() or ("the search" if self.step >= self.rung else None)

    def start(self, record: Record) -> None:
        """Show nothing."""

    def show(self, run: Run, event: Event) -> None:  # noqa: ARG002
        """Note the number of an update."""
        if isinstance(event, Updated):
            self.step = event.step

    def end(self, record: Record) -> None:
        """Show nothing."""

    def score(self, record: Record, length: int) -> None:
        """Show nothing."""

    def skip(self, run: Run, status: RunStatus) -> None:
        """Show nothing."""


@dataclass
class Training:
    """The runs of a trial, one for each seed, and the updates that each has been trained for."""

    runs: Sequence[Run]
    options: ExecutionOptions
    stop: Stop
    reached: dict[int, int] = field(default_factory=dict)

    @property
    def updates(self) -> int:
        """The updates of all seeds."""
        return sum(self.reached.values())

    def to(self, rung: int) -> float | str:
        """Train every run to a rung; return the mean of their best losses, or why one has failed.

        Raises StoppedError, and RecordsError if a run cannot be trained here and now.
        """
        losses = []
        for run in self.runs:
            record = self._trained(run, rung)
            self.reached[run.seed] = min(rung, record.steps_done)
            # another search, or this one before a kill, may have trained it beyond the rung
            if record.status not in _CAN_GO_ON and record.steps_done <= rung:
                return f"{record.status}: {record.reason}"
            losses.append(self._best_loss(run, rung, record))
        return sum(losses) / len(losses)

    def _trained(self, run: Run, rung: int) -> Record:
        """Return the record of a run that has ended, or has reached the rung."""
        folder = folder_of(self.options.results, run)
        known = status_of_run(folder)
        if known.record is not None and _is_enough(known, rung):
            return known.record
        pause = _Pause(rung, self.stop)
        for status in execute_matrix([(run,)], self.options, pause, pause):
            if status.status == REFUSED:
                raise RecordsError(status.reason)
            if status.status == "running":
                text = "another process is training it; start the search again once it is done"
                raise RecordsError(f"{folder}: {text}")
        if self.stop():
            raise StoppedError
        record = Record.read(folder)
        if record is None:
            raise RecordsError(f"{folder}: its record is gone; start the search again")
        return record

    def _best_loss(self, run: Run, rung: int, record: Record) -> float:
        """Return the lowest validation loss of a run up to a rung, of its last stage."""
        path = folder_of(self.options.results, run) / METRICS
        stage = run.stages[-1].name if run.stages else None
        losses = [
            row.value
            for row in metrics.read(path, "validation")
            if row.metric == record.criterion and row.step <= rung and isfinite(row.value)
            if stage in (None, getattr(row, metrics.STAGE, None))
        ]
        if not losses:
            text = f"has no validation loss up to update {rung}; move the folder of the run away"
            raise RecordsError(f"{path}: {text} and start the search again")
        return min(losses)


def _is_enough(status: RunStatus, rung: int) -> bool:
    """Return whether a run needs no training to be scored at a rung."""
    return status.status in FINAL or (status.status == INTERRUPTED and status.step >= rung)
