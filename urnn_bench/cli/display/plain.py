"""Displays of a matrix of runs: lines for a log, JSON for a program, failures only, or several.

The progress bars of a terminal are in ``progress``.
"""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from threading import Event, Thread
from typing import Self

from urnn_bench.cli.display.messages import SCORING, closing, opening, over_baseline, scored, title
from urnn_bench.cli.display.output import duration, echo_err, end_without_stdout, json_text
from urnn_bench.cli.display.streams import write_out
from urnn_bench.events import Event as RunEvent
from urnn_bench.events import Measured, ScoringBegins, Updated
from urnn_bench.records.folder import REFUSED, RunStatus
from urnn_bench.records.record import GOOD, Record
from urnn_bench.run.context import Display
from urnn_bench.spec.run import Run

HEARTBEAT_S = 30.0
# of stacks in progress, each time
_MOST_LINES = 4


Key = tuple[str, str, int, int]


def key(run: Run) -> Key:
    """Return a key that is unique within one command, and quicker to compute than the identity."""
    return run.benchmark, run.label, run.T, run.seed


class QuietDisplay:
    """Reports only runs that failed or were refused."""

    def start(self, record: Record) -> None:
        """Report nothing."""

    def show(self, run: Run, event: RunEvent) -> None:
        """Report nothing."""

    def end(self, record: Record) -> None:
        """Report how a run ended if it did not succeed."""
        if record.status not in GOOD:
            echo_err(closing(record))

    def score(self, record: Record, length: int) -> None:
        """Report nothing."""

    def skip(self, run: Run, state: RunStatus) -> None:
        """Report why a run was refused."""
        if state.status == REFUSED:
            echo_err(skipped(run, state))


@dataclass
class _RunProgress:
    """A run in progress: its last update, and its last validation in words."""

    record: Record
    step: int
    started: float
    validation: str = ""
    is_scoring: bool = False

    @property
    def pace(self) -> float:
        """Updates per second since the run was started or resumed."""
        return (self.step - self.record.steps_done) / (time.monotonic() - self.started)

    def line(self) -> str:
        """Return the update, the pace, the time left and the last validation."""
        steps, pace = self.record.run.updates, self.pace
        left = f", {duration((steps - self.step) / pace)} left" if pace else ""
        doing = f"{SCORING} the test split" if self.is_scoring else f"{pace:.3g}/s{left}"
        progress = f"update {self.step} of {steps}, {doing}"
        return f"{title(self.record.run)}: {progress}{self.validation}"


class PlainDisplay:
    """A line when a run starts and ends, and one on its progress every 30 s.

    ``verbose`` adds every validation. The lines on progress come from a thread, since an
    evaluation alone can take longer than 30 s.
    """

    def __init__(
        self, verbose: bool = False, command_again: Callable[[Run], str] | None = None
    ) -> None:
        self._verbose, self._command_again = verbose, command_again
        self._running: dict[Key, _RunProgress] = {}
        self._closed = Event()

    def __enter__(self) -> Self:
        Thread(target=self._report_regularly, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def start(self, record: Record) -> None:
        """Report that a run starts."""
        self._running[key(record.run)] = _RunProgress(record, record.steps_done, time.monotonic())
        echo_err(opening(record))

    def show(self, run: Run, event: RunEvent) -> None:
        """Note the progress of a run."""
        if isinstance(event, Updated):
            self._running[key(run)].step = event.step
        elif isinstance(event, ScoringBegins):
            self._running[key(run)].is_scoring = True
        elif isinstance(event, Measured) and event.split == "validation":
            self._validated(self._running[key(run)], event)

    def end(self, record: Record) -> None:
        """Report how a run ended."""
        self._running.pop(key(record.run), None)
        echo_err(closing(record))

    def score(self, record: Record, length: int) -> None:
        """Report the scores at another length."""
        echo_err(scored(record, length))

    def skip(self, run: Run, state: RunStatus) -> None:
        """Report why a run is skipped."""
        echo_err(skipped(run, state, self._command_again))

    def _validated(self, progress: _RunProgress, event: Measured) -> None:
        record = progress.record
        value = event.metrics[record.criterion]
        score = f"{record.criterion} {value:.4g}{over_baseline(record, value)}"
        progress.validation = f", validation {score}"
        if self._verbose:
            echo_err(f"{title(record.run)}: update {event.step}{progress.validation}")

    def _report_regularly(self) -> None:
        while not self._closed.wait(HEARTBEAT_S):
            for line in _lines(list(self._running.values())):
                echo_err(line)


def _lines(running: Sequence[_RunProgress]) -> list[str]:
    """Return a line for each stack that is trained, a single one if that would be many."""
    stacks: dict[tuple[str, str, int], list[_RunProgress]] = {}
    for progress in running:
        run = progress.record.run
        stacks.setdefault((run.benchmark, run.label, run.T), []).append(progress)
    parts = list(stacks.values()) if len(stacks) <= _MOST_LINES else [list(running)]
    return [_summary(part) if len(part) > 1 else part[0].line() for part in parts]


def _summary(runs: Sequence[_RunProgress]) -> str:
    """Return the updates and the total pace of a stack."""
    low, high = min(run.step for run in runs), max(run.step for run in runs)
    steps = f"update {low}" if low == high else f"updates {low} to {high}"
    pace = sum(run.pace for run in runs)
    first = title(runs[0].record.run)
    return f"{first} and {len(runs) - 1} more: {steps}, {pace:.3g}/s in total"


class JsonDisplay:
    """One JSON object a line on stdout: start, measured, end, scored, skip.

    Training goes on if stdout fails; ``check`` ends the program then. What a
    component prints meanwhile goes to stderr, and these lines do not.
    """

    def __init__(self) -> None:
        self._failure: OSError | None = None
        self._stdout = sys.stdout

    def check(self) -> None:
        """End the program, quietly if the reader has closed the pipe, if anything was lost."""
        if self._failure is not None:
            end_without_stdout(self._failure)

    def start(self, record: Record) -> None:
        """Write the run's name, size, kernel and update."""
        self._write(
            "start",
            record.run,
            parameters=record.parameters,
            step=record.steps_done,
            kernel=record.sessions[-1].kernel,
            device=record.sessions[-1].device,
        )

    def show(self, run: Run, event: RunEvent) -> None:
        """Write measured values."""
        if isinstance(event, Measured):
            values = {"step": event.step, "train_s": event.train_s, "split": event.split}
            self._write("measured", run, **values, metrics=dict(event.metrics))

    def end(self, record: Record) -> None:
        """Write how the run ended."""
        self._write(
            "end",
            record.run,
            status=record.status,
            reason=record.reason,
            step=record.steps_done,
            train_s=record.train_s,
            solved_step=record.solved_step,
            frozen_parameters=record.frozen_parameters,
            nonfinite_norms=record.nonfinite_norms,
            test=record.test,
        )

    def score(self, record: Record, length: int) -> None:
        """Write the scores at another length."""
        test, baselines = record.test_at(length), record.baselines_at(length)
        self._write("scored", record.run, length=length, test=test, baselines=baselines)

    def skip(self, run: Run, state: RunStatus) -> None:
        """Write why the run is skipped."""
        self._write("skip", run, status=state.status)

    def _write(self, event: str, run: Run, **values: object) -> None:
        name = {"benchmark": run.benchmark, "run": run.slug}
        if self._failure is not None:
            return
        try:
            with redirect_stdout(self._stdout):
                write_out(json_text({"event": event, **name, **values}) + "\n")
        except OSError as error:
            self._failure = error


class MultiDisplay:
    """Passes everything on to several displays."""

    def __init__(self, displays: Sequence[Display]) -> None:
        self._displays = displays

    def start(self, record: Record) -> None:
        """Pass it on."""
        for display in self._displays:
            display.start(record)

    def show(self, run: Run, event: RunEvent) -> None:
        """Pass it on."""
        for display in self._displays:
            display.show(run, event)

    def end(self, record: Record) -> None:
        """Pass it on."""
        for display in self._displays:
            display.end(record)

    def score(self, record: Record, length: int) -> None:
        """Pass it on."""
        for display in self._displays:
            display.score(record, length)

    def skip(self, run: Run, state: RunStatus) -> None:
        """Pass it on."""
        for display in self._displays:
            display.skip(run, state)


def skipped(run: Run, state: RunStatus, command_again: Callable[[Run], str] | None = None) -> str:
    """Return why a run is skipped, and how to train it, and no other, again."""
    if state.status == "running":
        return f"{title(run)}: skipped: another process is training this run"
    if state.status == REFUSED:
        return f"{title(run)}: refused: {state.reason}"
    kernel = f" (kernel {state.record.sessions[-1].kernel})" if state.record else ""
    verb = "goes on training" if state.forced else "trains"
    command = f": {command_again(run)}" if command_again else ""
    return f"{title(run)}: already {state.status}{kernel}; --force {verb} it again{command}"
