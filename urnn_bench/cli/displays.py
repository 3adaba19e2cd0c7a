"""Displays of a matrix of runs: lines for a log, JSON for a program, nothing, or several at once.

The moving one for a terminal is in ``live``.
"""

import time
from collections.abc import Sequence

from urnn_bench.cli.output import duration, emit_json, say
from urnn_bench.cli.words import closing, opening, over_baseline, title
from urnn_bench.events import Event, Measured, Updated
from urnn_bench.execute import Display
from urnn_bench.records.folder import State
from urnn_bench.records.record import GOOD, Record
from urnn_bench.spec.schema import Run

HEARTBEAT_S = 30.0


class QuietDisplay:
    """Says only what went wrong."""

    def start(self, record: Record) -> None:
        """Say nothing."""

    def show(self, event: Event) -> None:
        """Say nothing."""

    def end(self, record: Record) -> None:
        """Say how a run ended if it did not end well."""
        if record.status not in GOOD:
            say(closing(record))

    def skip(self, run: Run, state: State) -> None:
        """Say nothing."""


class PlainDisplay:
    """A line when a run begins and ends, and a sign of life every 30 s; ``verbose`` says more."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._record: Record | None = None
        self._last = ""
        self._began = self._beat = 0.0
        self._from_step = 0

    def start(self, record: Record) -> None:
        """Say what begins."""
        self._record, self._last, self._from_step = record, "", record.steps_done
        self._began = self._beat = time.monotonic()
        say(opening(record))

    def show(self, event: Event) -> None:
        """Say where the run stands, if it is time to."""
        if isinstance(event, Measured):
            self._measured(event)
        elif isinstance(event, Updated) and time.monotonic() - self._beat >= HEARTBEAT_S:
            self._beat = time.monotonic()
            say(self._line(event))

    def end(self, record: Record) -> None:
        """Say how the run ended."""
        say(closing(record))

    def skip(self, run: Run, state: State) -> None:
        """Say why a run is left alone."""
        say(skipped(run, state))

    def _measured(self, event: Measured) -> None:
        if self._record is None or event.split != "validation":
            return
        value = event.metrics[self._record.criterion]
        score = f"{self._record.criterion} {value:.4g}{over_baseline(self._record, value)}"
        self._last = f", validation {score}"
        if self._verbose:
            say(f"{title(self._record.run)}: update {event.step}{self._last}")

    def _line(self, event: Updated) -> str:
        if self._record is None:
            return ""
        run = self._record.run
        pace = (event.step - self._from_step) / (time.monotonic() - self._began)
        left = duration((run.fit.steps - event.step) / pace)
        progress = f"update {event.step} of {run.fit.steps}, {pace:.3g}/s, {left} left"
        return f"{title(run)}: {progress}{self._last}"


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
        self._run = record.run

    def show(self, event: Event) -> None:
        """Write measured values."""
        if isinstance(event, Measured):
            values = {"step": event.step, "train_s": event.train_s, "split": event.split}
            self._write("measured", self._run, **values, metrics=dict(event.metrics))

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

    def skip(self, run: Run, state: State) -> None:
        """Write why the run is left alone."""
        self._write("skip", run, status=state.status)

    def _write(self, event: str, run: Run, **values: object) -> None:
        name = {"benchmark": run.benchmark, "run": run.slug}
        emit_json({"event": event, **name, **values}, indent=None)


class Together:
    """Several displays as one."""

    def __init__(self, displays: Sequence[Display]) -> None:
        self._displays = displays

    def start(self, record: Record) -> None:
        """Pass on."""
        for display in self._displays:
            display.start(record)

    def show(self, event: Event) -> None:
        """Pass on."""
        for display in self._displays:
            display.show(event)

    def end(self, record: Record) -> None:
        """Pass on."""
        for display in self._displays:
            display.end(record)

    def skip(self, run: Run, state: State) -> None:
        """Pass on."""
        for display in self._displays:
            display.skip(run, state)


def skipped(run: Run, state: State) -> str:
    """Return why a run is left alone, and how to have it all the same."""
    if state.status == "running":
        return f"{title(run)}: another process is at it"
    kernel = f" (kernel {state.record.sessions[-1].kernel})" if state.record else ""
    return f"{title(run)}: already {state.status}{kernel}; --force does it again"
