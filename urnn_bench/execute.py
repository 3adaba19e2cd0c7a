"""Carry out one run: restore, train, record, save, and turn whatever ends it into a status."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from urnn_bench import build, checkpoint, provenance
from urnn_bench.build import Machinery
from urnn_bench.engine.gradient import Job, Position, train
from urnn_bench.events import Ended, Event, Measured, Updated
from urnn_bench.records import environment
from urnn_bench.records.folder import CHECKPOINT, METRICS, State
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.record import Record, Status
from urnn_bench.registry import Components
from urnn_bench.spec.schema import Run

# checkpoints may take at most this share of the time
_CHECKPOINT_SHARE = 0.02
_CHECKPOINT_AT_LEAST_S = 1.0
_NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")


class Display(Protocol):
    """Whoever shows a run to people or to programs."""

    def start(self, record: Record) -> None:
        """A run begins, or goes on from ``record.steps_done``."""

    def show(self, event: Event) -> None:
        """Something happened in the run that began last."""

    def end(self, record: Record) -> None:
        """The run that began last has ended, in the state its record says."""

    def skip(self, run: Run, state: State) -> None:
        """A run is left alone: it is done, or another process is at it."""


@dataclass(frozen=True)
class Conditions:
    """How runs are carried out; nothing here belongs to a result's identity."""

    components: Components
    machinery: Machinery
    results: Path
    threads: int | None = None
    time_limit_s: float | None = None
    force: bool = False


@dataclass(frozen=True)
class Shell:
    """Who is shown what happens, and who may ask to stop (with the name of a signal)."""

    display: Display
    stop: Callable[[], str | None] = lambda: None


@dataclass
class Work:
    """One run in progress: its record, its engine's position, and its open file."""

    folder: Path
    record: Record
    job: Job
    position: Position
    metrics: MetricsWriter


def perform(
    run: Run, folder: Path, before: Record | None, conditions: Conditions, shell: Shell
) -> Record:
    """Train one run, and turn whatever ends it into the status of its record."""
    environment.reset_peak()
    began = time.monotonic()
    job, kernel = build.job_of(conditions.components, run, conditions.machinery)
    content = load_checkpoint(folder, run)
    position = checkpoint.restore(content, job) if content else Position()
    metrics = MetricsWriter(folder / METRICS, content["metrics_bytes"] if content else 0)
    record = provenance.begun(run, job, kernel, position, before)
    work = Work(folder, record, job, position, metrics)
    record.write(folder)
    shell.display.start(record)
    with _statuses(work):
        _follow(work, conditions.time_limit_s, began, shell)
    metrics.close()
    work.record = provenance.ended(work.record, job, position, time.monotonic() - began)
    work.record.write(folder)
    shell.display.end(work.record)
    return work.record


def _follow(work: Work, limit_s: float | None, began: float, shell: Shell) -> None:
    """Read the engine's events: record, show, save, and stop when told to."""
    saved, cost_s = time.monotonic(), 0.0
    for event in train(work.job, work.position):
        _take(work, event)
        shell.display.show(event)
        if not isinstance(event, Updated):
            continue
        now = time.monotonic()
        ending = _ending(limit_s, now - began, shell)
        if ending or now - saved > max(_CHECKPOINT_AT_LEAST_S, cost_s / _CHECKPOINT_SHARE):
            _save(work)
            saved, cost_s = time.monotonic(), time.monotonic() - now
        if ending:
            work.record = _with(work.record, *ending)
            return


def _take(work: Work, event: Event) -> None:
    if isinstance(event, Measured):
        work.metrics.write(event)
        if event.split == "test":
            work.record = work.record.model_copy(update={"test": dict(event.metrics)})
    elif isinstance(event, Ended):
        _save(work)
        work.record = _with(work.record, event.status, event.reason)


def _ending(limit_s: float | None, elapsed_s: float, shell: Shell) -> tuple[Status, str] | None:
    if name := shell.stop():
        return "interrupted", f"stopped by {name}"
    if limit_s is not None and elapsed_s > limit_s:
        return "timeout", f"the time limit of {limit_s:g} s"
    return None


def _save(work: Work) -> None:
    length = work.metrics.sync()
    checkpoint.save(work.folder / CHECKPOINT, work.job, work.position, work.record.identity, length)


@contextmanager
def _statuses(work: Work) -> Iterator[None]:
    """Record an exception as this run's status, so that it ends this run only."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        if _is_out_of_memory(error):
            work.record = _with(work.record, "oom", str(error).split("\n")[0])
        else:
            place = _place(error)
            work.record = _with(work.record, "failed", f"{type(error).__name__}: {error}{place}")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""


def load_checkpoint(folder: Path, run: Run) -> dict[str, Any] | None:
    """Return the content of a run's checkpoint, None if it has none."""
    path = folder / CHECKPOINT
    return checkpoint.load(path, run.identity) if path.exists() else None


def _with(record: Record, status: Status, reason: str) -> Record:
    return record.model_copy(update={"status": status, "reason": reason})
