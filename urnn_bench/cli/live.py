"""The moving display of a terminal: a bar for the run, a bar for the whole matrix."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.text import Text

from urnn_bench.cli.displays import skipped
from urnn_bench.cli.words import closing, first_baseline, title
from urnn_bench.events import Event, Measured, Updated
from urnn_bench.records.folder import State
from urnn_bench.records.record import GOOD, Record
from urnn_bench.spec.schema import Run

_TICKS = "▁▂▃▄▅▆▇█"
_WIDTH = 10
_POINTS = 200


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Return the logarithms of positive values as a row of bars, oldest first."""
    logs = [math.log(v) for v in values if v > 0 and math.isfinite(v)]
    if not logs:
        return ""
    width = min(width, len(logs))
    picked = [logs[i * len(logs) // width] for i in range(width)]
    picked[-1] = logs[-1]
    low, span = min(picked), max(picked) - min(picked) or 1.0
    top = len(_TICKS) - 1
    return "".join(_TICKS[round((v - low) / span * top)] for v in picked)


class LiveDisplay:
    """Bars with pace, time left, loss against the memoryless baseline, and a small curve."""

    def __init__(self, runs: Sequence[Run], verbose: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False)
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
        )
        self._verbose, self._runs, self._ended = verbose, len(runs), 0
        self._whole: TaskID | None = None
        if len(runs) > 1:
            self._whole = self._add(self._count(), sum(run.fit.steps for run in runs))
        self._record: Record | None = None
        self._task = TaskID(0)
        self._curve: deque[float] = deque(maxlen=_POINTS)
        self._before = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, record: Record) -> None:
        """Add a bar for the run."""
        self._record, self._before = record, record.steps_done
        self._curve.clear()
        self._task = self._add(title(record.run), record.run.fit.steps, record.steps_done)
        self._advance_whole(record.steps_done)

    def show(self, event: Event) -> None:
        """Move the bars; draw a new loss."""
        if isinstance(event, Updated):
            pace = f"{event.step / event.train_s:.3g}/s" if event.train_s else ""
            self._progress.update(self._task, completed=event.step, pace=pace)
            self._advance_whole(event.step - self._before)
            self._before = event.step
        elif isinstance(event, Measured):
            self._measured(event)

    def end(self, record: Record) -> None:
        """Replace the run's bar by a line that stays."""
        self._advance_whole(record.run.fit.steps - record.steps_done)
        self._progress.remove_task(self._task)
        style = "green" if record.status in GOOD else "red"
        self._line(Text(closing(record), style=style))

    def skip(self, run: Run, state: State) -> None:
        """Leave a line that says why."""
        self._advance_whole(run.fit.steps)
        self._line(Text(skipped(run, state), style="dim"))

    def _measured(self, event: Measured) -> None:
        if self._record is None or event.split == "test":
            return
        value = event.metrics[self._record.criterion]
        if event.split == "train":
            self._curve.append(value)
        baseline = first_baseline(self._record)
        loss = f"{value / baseline:.2g}×base" if baseline else f"{value:.3g}"
        self._progress.update(self._task, loss=loss, curve=sparkline(self._curve))
        if self._verbose and event.split == "validation":
            text = f"update {event.step}: validation {self._record.criterion} {value:.4g}"
            self._progress.console.print(Text(f"{title(self._record.run)}: {text}"))

    def _line(self, text: Text) -> None:
        self._ended += 1
        if self._whole is not None:
            self._progress.update(self._whole, description=self._count())
        self._progress.console.print(text)

    def _add(self, name: str, total: int, completed: int = 0) -> TaskID:
        blank = ""
        return self._progress.add_task(
            name, total=total, completed=completed, pace=blank, loss=blank, curve=blank
        )

    def _advance_whole(self, updates: int) -> None:
        if self._whole is not None:
            self._progress.advance(self._whole, updates)

    def _count(self) -> str:
        return f"all runs, {self._ended} of {self._runs} ended"
