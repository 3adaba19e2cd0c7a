"""Progress bars of a terminal: one for each run in progress, and one for the whole matrix."""

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Self, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.text import Text

from urnn_bench.cli.display.messages import SCORING, closing, first_baseline, scored, title
from urnn_bench.cli.display.paragraphs import paragraph, width_of
from urnn_bench.cli.display.plain import Key, key, skipped
from urnn_bench.cli.display.streams import Unfailing, shows
from urnn_bench.events import Event, Measured, ScoringBegins, Updated
from urnn_bench.records.folder import RunStatus
from urnn_bench.records.record import GOOD, Record
from urnn_bench.spec.run import Run
from urnn_bench.text import line, message

_TICKS = "▁▂▃▄▅▆▇█"
_ASCII_TICKS = "_.:-=+*#"
_WIDTH = 10
_POINTS = 200
# the bars of a large stack would not fit on the screen
_MOST_BARS = 8


def sparkline(values: Sequence[float], width: int = _WIDTH, ticks: str = _TICKS) -> str:
    """Return a row of bars whose heights are the logarithms of positive values, oldest first."""
    logs = [math.log(v) for v in values if v > 0 and math.isfinite(v)]
    if not logs:
        return ""
    width = min(width, len(logs))
    picked = [logs[i * len(logs) // width] for i in range(width)]
    picked[-1] = logs[-1]
    low, span = min(picked), max(picked) - min(picked) or 1.0
    top = len(ticks) - 1
    return "".join(ticks[round((v - low) / span * top)] for v in picked)


@dataclass
class _Bar:
    """A run in progress: its bar, its losses, and the updates already counted for the matrix."""

    record: Record
    task: TaskID
    counted: int
    started: float = field(default_factory=time.monotonic)
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=_POINTS))


class LiveDisplay:
    """Bars with pace, loss relative to the memoryless baseline, a small curve and the time left."""

    def __init__(
        self,
        runs: Sequence[Run],
        verbose: bool = False,
        command_again: Callable[[Run], str] | None = None,
    ) -> None:
        self._command_again = command_again
        # typeshed has no protocol for what rich asks of a file
        file = cast("IO[str]", Unfailing(sys.stderr))
        self._console = Console(file=file, highlight=False)
        self._ticks = _TICKS if shows(_TICKS, sys.stderr) else _ASCII_TICKS
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            TextColumn("{task.fields[loss]}", markup=False),
            TextColumn("{task.fields[curve]}", markup=False),
            Remaining(compact=True),
            console=self._console,
            speed_estimate_period=60,
            # it has the data, which are not part of the display
            redirect_stdout=False,
        )
        self._verbose, self._count, self._ended = verbose, len(runs), 0
        self._matrix: TaskID | None = None
        if len(runs) > 1:
            self._matrix = self._add(self._description(), sum(run.updates for run in runs))
        self._bars: dict[Key, _Bar] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, record: Record) -> None:
        """Add a bar for the run."""
        task = self._add(title(record.run), record.run.updates, record.steps_done)
        self._bars[key(record.run)] = _Bar(record, task, record.steps_done)
        self._advance_matrix(record.steps_done)
        self._limit_bars()

    def show(self, run: Run, event: Event) -> None:
        """Advance the bars; show a new loss."""
        bar = self._bars[key(run)]
        if isinstance(event, Updated):
            elapsed_s = time.monotonic() - bar.started
            pace = f"{(event.step - bar.record.steps_done) / elapsed_s:.3g}/s" if elapsed_s else ""
            self._progress.update(bar.task, completed=event.step, pace=pace)
            self._advance_matrix(event.step - bar.counted)
            bar.counted = event.step
        elif isinstance(event, ScoringBegins):
            self._progress.update(bar.task, pace=SCORING)
        elif isinstance(event, Measured):
            self._measured(bar, event)

    def end(self, record: Record) -> None:
        """Replace the run's bar by a line that says how it ended."""
        self._advance_matrix(record.run.updates - record.steps_done)
        self._progress.remove_task(self._bars.pop(key(record.run)).task)
        self._limit_bars()
        style = "green" if record.status in GOOD else "red"
        self._print(_text(closing(record), style))

    def score(self, record: Record, length: int) -> None:
        """Print the scores at another length."""
        self._write(_text(scored(record, length)))

    def skip(self, run: Run, state: RunStatus) -> None:
        """Print why a run is skipped."""
        self._advance_matrix(run.updates)
        self._print(_text(skipped(run, state, self._command_again), "dim"))

    def _limit_bars(self) -> None:
        """Show only as many bars as fit."""
        for place, bar in enumerate(self._bars.values()):
            self._progress.update(bar.task, visible=place < _MOST_BARS)

    def _measured(self, bar: _Bar, event: Measured) -> None:
        if event.split == "test" or bar.record.criterion not in event.metrics:
            return
        value = event.metrics[bar.record.criterion]
        if event.split == "train":
            bar.losses.append(value)
        baseline = first_baseline(bar.record)
        loss = f"{value / baseline:.2g}×base" if baseline else f"{value:.3g}"
        self._progress.update(bar.task, loss=loss, curve=sparkline(bar.losses, ticks=self._ticks))
        if self._verbose and event.split == "validation":
            text = f"update {event.step}: validation {bar.record.criterion} {value:.4g}"
            self._write(_text(f"{title(bar.record.run)}: {text}"))

    def _print(self, text: Text) -> None:
        self._ended += 1
        if self._matrix is not None:
            self._progress.update(self._matrix, description=self._description())
        self._write(text)

    def _write(self, text: Text) -> None:
        # wrapped already, but for the command in it
        self._progress.console.print(text, soft_wrap=True)

    def _add(self, name: str, total: int, completed: int = 0) -> TaskID:
        blank = ""
        return self._progress.add_task(
            line(name), total=total, completed=completed, pace=blank, loss=blank, curve=blank
        )

    def _advance_matrix(self, updates: int) -> None:
        if self._matrix is not None:
            self._progress.advance(self._matrix, updates)

    def _description(self) -> str:
        return f"all runs, {self._ended} of {self._count} ended"


def _text(text: str, style: str = "") -> Text:
    """Return a message in a style, wrapped between its words."""
    return Text(paragraph(message(text), width_of(sys.stderr)), style=style)
