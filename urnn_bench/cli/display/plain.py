"""Displays of a matrix of runs: lines for a log, JSON for a program, nothing, or several at once.

The moving one for a terminal is in ``live``.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Self

from urnn_bench.cli.display.messages import closing, opening, over_baseline, title
from urnn_bench.cli.display.output import duration, echo_err, echo_json
from urnn_bench.events import Event as RunEvent
from urnn_bench.events import Measured, Updated
from urnn_bench.records.folder import RunStatus
from urnn_bench.records.record import GOOD, Record
from urnn_bench.run.context import Display
from urnn_bench.spec.run import Run

HEARTBEAT_S = 30.0


Key = tuple[str, str, int, int]


def key(run: Run) -> Key:
    """Return what tells a run from the others of one command; its identity takes time to make."""
    return run.benchmark, run.label, run.T, run.seed


class QuietDisplay:
    """Says only what went wrong."""

    def start(self, record: Record) -> None:
        """Say nothing."""

    def show(self, run: Run, event: RunEvent) -> None:
        """Say nothing."""

    def end(self, record: Record) -> None:
        """Say how a run ended if it did not end well."""
        if record.status not in GOOD:
            echo_err(closing(record))

    def skip(self, run: Run, state: RunStatus) -> None:
        """Say nothing."""


@dataclass
class _Standing:
    """A run in progress as lines tell of it."""

    record: Record
    step: int
    began: float
    last: str = ""

    @property
    def pace(self) -> float:
        """Updates a second since it began."""
        return (self.step - self.record.steps_done) / (time.monotonic() - self.began)

    def line(self) -> str:
        """Return where it stands."""
        steps, pace = self.record.run.fit.steps, self.pace
        left = f", {duration((steps - self.step) / pace)} left" if pace else ""
        progress = f"update {self.step} of {steps}, {pace:.3g}/s{left}"
        return f"{title(self.record.run)}: {progress}{self.last}"


class PlainDisplay:
    """A line when a run begins and ends, and a sign of life every 30 s; ``verbose`` says more.

    The sign comes from a thread, since an evaluation alone can take longer than that.
    """

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._standing: dict[Key, _Standing] = {}
        self._ended = Event()

    def __enter__(self) -> Self:
        Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def start(self, record: Record) -> None:
        """Say what begins."""
        self._standing[key(record.run)] = _Standing(record, record.steps_done, time.monotonic())
        echo_err(opening(record))

    def show(self, run: Run, event: RunEvent) -> None:
        """Note where the run stands."""
        if isinstance(event, Updated):
            self._standing[key(run)].step = event.step
        elif isinstance(event, Measured) and event.split == "validation":
            self._validated(self._standing[key(run)], event)

    def end(self, record: Record) -> None:
        """Say how the run ended."""
        self._standing.pop(key(record.run), None)
        echo_err(closing(record))

    def skip(self, run: Run, state: RunStatus) -> None:
        """Say why a run is left alone."""
        echo_err(skipped(run, state))

    def _validated(self, standing: _Standing, event: Measured) -> None:
        record = standing.record
        value = event.metrics[record.criterion]
        score = f"{record.criterion} {value:.4g}{over_baseline(record, value)}"
        standing.last = f", validation {score}"
        if self._verbose:
            echo_err(f"{title(record.run)}: update {event.step}{standing.last}")

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            standing = list(self._standing.values())
            if len(standing) > 1:
                echo_err(_summary(standing))
            elif standing:
                echo_err(standing[0].line())


def _summary(standing: Sequence[_Standing]) -> str:
    """Return where several runs stand that are carried out at once."""
    low, high = min(s.step for s in standing), max(s.step for s in standing)
    steps = f"update {low}" if low == high else f"updates {low} to {high}"
    pace = sum(s.pace for s in standing)
    first = title(standing[0].record.run)
    return f"{first} and {len(standing) - 1} more: {steps}, {pace:.3g}/s together"


class JsonDisplay:
    """One JSON object a line on stdout: start, measured, end, skip."""

    def start(self, record: Record) -> None:
        """Write the run's name, size, kernel and step."""
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
            test=record.test,
        )

    def skip(self, run: Run, state: RunStatus) -> None:
        """Write why the run is left alone."""
        self._write("skip", run, status=state.status)

    def _write(self, event: str, run: Run, **values: object) -> None:
        name = {"benchmark": run.benchmark, "run": run.slug}
        echo_json({"event": event, **name, **values}, indent=None)


class MultiDisplay:
    """Several displays as one."""

    def __init__(self, displays: Sequence[Display]) -> None:
        self._displays = displays

    def start(self, record: Record) -> None:
        """Pass on."""
        for display in self._displays:
            display.start(record)

    def show(self, run: Run, event: RunEvent) -> None:
        """Pass on."""
        for display in self._displays:
            display.show(run, event)

    def end(self, record: Record) -> None:
        """Pass on."""
        for display in self._displays:
            display.end(record)

    def skip(self, run: Run, state: RunStatus) -> None:
        """Pass on."""
        for display in self._displays:
            display.skip(run, state)


def skipped(run: Run, state: RunStatus) -> str:
    """Return why a run is left alone, and how to have it all the same."""
    if state.status == "running":
        return f"{title(run)}: another process is at it"
    kernel = f" (kernel {state.record.sessions[-1].kernel})" if state.record else ""
    return f"{title(run)}: already {state.status}{kernel}; --force does it again"
