"""Carry out one run: restore, train, record, save, and turn whatever ends it into a status.

Its updates are asked of whoever drives it, who may drive several runs at once.
"""

import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from urnn_bench.engine.loop import Course, Position, course, heard
from urnn_bench.engine.stacked import Answer
from urnn_bench.engine.stacked_check import Held
from urnn_bench.engine.update import Descent, Due, Job
from urnn_bench.errors import RecordsError
from urnn_bench.events import Ended, Event, Measured, Probed, Updated
from urnn_bench.probes._runner import ProbeRunner
from urnn_bench.records.folder import CHECKPOINT, METRICS, PROBES, folder_of, remove_leftovers
from urnn_bench.records.lines import CsvAppender, RecordsWarning
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.probes import ProbesWriter
from urnn_bench.records.record import Record, Status
from urnn_bench.run import build, checkpoint, provenance
from urnn_bench.run.context import ExecutionOptions, Shell
from urnn_bench.run.failures import status_of
from urnn_bench.spec.run import Run

# checkpoints may take at most this share of the time
_CHECKPOINT_SHARE = 0.02
_CHECKPOINT_AT_LEAST_S = 1.0


# a run that asks for its updates and returns its record
Performance = Generator[Due, Answer, Record]


class Company:
    """Runs that are carried out at once: how many, and that their updates are made in one way."""

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self._descent: Descent | None = None

    def joined(self, job: Job) -> Job:
        """Return the job with the way of making updates that the first one came with."""
        if self.size == 1:
            return job
        self._descent = self._descent or Held(job.descent)
        return replace(job, descent=self._descent)


@dataclass
class Work:
    """One run in progress: its record, its engine's position, and its open files."""

    folder: Path
    record: Record
    job: Job
    position: Position
    metrics: MetricsWriter
    probing: ProbeRunner | None = None
    probes: ProbesWriter | None = None

    @property
    def files(self) -> dict[str, CsvAppender]:
        """What is open, by name."""
        return {METRICS: self.metrics, **({PROBES: self.probes} if self.probes else {})}


def perform(
    run: Run, before: Record | None, conditions: ExecutionOptions, shell: Shell, company: Company
) -> Performance:
    """Train one run in its company; return the record, whose status says what ended it.

    Raises RecordsError for a damaged checkpoint; what the run itself raises ends that run only.
    """
    began, folder = time.monotonic(), folder_of(conditions.results, run)
    provenance.reset_peak()
    remove_leftovers(folder)
    record = provenance.start_session(run, before, company.size)
    record.write(folder)
    try:
        work = _begin(record, folder, conditions, company)
    except RecordsError:
        raise
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        record = _with(record, *status_of(error, folder))
        shell.display.start(record)
    else:
        limit_s = conditions.time_limit_s
        # a run of several has its share of the time only
        limit_s = None if limit_s is None else limit_s * company.size
        record = yield from _work(work, began, limit_s, shell)
    record.write(folder)
    shell.display.end(record)
    return record


def _begin(record: Record, folder: Path, conditions: ExecutionOptions, company: Company) -> Work:
    """Build what the run needs, and put it back to where its checkpoint stands."""
    run = record.run
    job, kernel = build.job_of(conditions.components, run, conditions.backend)
    job = company.joined(job)
    content = load_checkpoint(folder, run)
    position = checkpoint.restore(content, job) if content else Position()
    lengths = content["lengths"] if content else {}
    probing = build.probe_runner_of(conditions.components, run)
    metrics = MetricsWriter(folder / METRICS, lengths.get(METRICS, 0))
    probes = ProbesWriter(folder / PROBES, lengths.get(PROBES, 0)) if probing else None
    record = provenance.record_build(record, job, kernel, position)
    if content and (changed := provenance.environment_changes(record)):
        text = f"{folder.name}: resumed with another {changed}; the curve is no longer exact"
        warnings.warn(text, RecordsWarning, 2)
    return Work(folder, record, job, position, metrics, probing, probes)


def _work(work: Work, began: float, limit_s: float | None, shell: Shell) -> Performance:
    """Follow the run until it ends, and return its record."""
    work.record.write(work.folder)
    shell.display.start(work.record)
    try:
        yield from heard(_events(work), _Follower(work, began, limit_s, shell))
    finally:
        for file in work.files.values():
            file.close()
    return provenance.record_end(work.record, work.job, work.position, time.monotonic() - began)


class _Follower:
    """Reads the engine's events: records, shows, saves, and has enough when told to stop."""

    def __init__(self, work: Work, began: float, limit_s: float | None, shell: Shell) -> None:
        self._work, self._began, self._limit_s, self._shell = work, began, limit_s, shell
        self._saved, self._cost_s = time.monotonic(), 0.0

    def __call__(self, event: Event) -> bool:
        """Take an event; return whether that was enough."""
        work = self._work
        _take(work, event)
        self._shell.display.show(work.record.run, event)
        if not isinstance(event, Updated):
            return False
        now = time.monotonic()
        ending = None if work.position.ended else self._ending(now - self._began)
        if ending or work.position.ended or now - self._saved > self._pause_s:
            _save(work)
            self._saved, self._cost_s = time.monotonic(), time.monotonic() - now
        if ending:
            work.record = _with(work.record, *ending)
        return ending is not None

    @property
    def _pause_s(self) -> float:
        return max(_CHECKPOINT_AT_LEAST_S, self._cost_s / _CHECKPOINT_SHARE)

    def _ending(self, elapsed_s: float) -> tuple[Status, str] | None:
        if name := self._shell.stop():
            return "interrupted", f"stopped by {name}"
        if self._limit_s is not None and elapsed_s > self._limit_s:
            return "timeout", f"the time limit of {self._limit_s:g} s"
        return None


def _events(work: Work) -> Course:
    """Yield what happens; an exception of the engine or a probe, not of their reader, ends it."""
    try:
        if work.position.step == 0:
            yield from _looks(work)
        yield from _looking(work)
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        status, reason = status_of(error, work.folder)
        yield Ended(status, reason)


def _looking(work: Work) -> Course:
    """Yield what happens, and look inside where it is time to."""
    running = course(work.job, work.position)
    answer: Answer = None
    with suppress(StopIteration):
        while True:
            event = running.send(answer)
            # before the event after which a checkpoint may be taken
            if isinstance(event, Updated):
                yield from _looks(work)
            answer = yield event


def _looks(work: Work) -> Iterator[Probed]:
    """Look inside if it is time to."""
    if work.probing and work.probing.schedule.due(work.position.step):
        yield work.probing.run(work.job, work.position)


def _take(work: Work, event: Event) -> None:
    if isinstance(event, Probed):
        _take_probed(work, event)
    elif isinstance(event, Measured):
        work.metrics.write(event)
        if event.split == "test":
            work.record = work.record.model_copy(update={"test": dict(event.metrics)})
    elif isinstance(event, Ended):
        work.record = _with(work.record, event.status, event.reason)


def _take_probed(work: Work, event: Probed) -> None:
    if work.probes:
        work.probes.write(event)
    numbers = dict(event.numbers)
    work.metrics.write(Measured(event.step, event.examples, event.train_s, "probe", numbers))
    cost_s = round(work.record.probe_s + event.cost_s, 3)
    work.record = work.record.model_copy(update={"probe_s": cost_s})


def _save(work: Work) -> None:
    lengths = {name: file.sync() for name, file in work.files.items()}
    path, identity = work.folder / CHECKPOINT, work.record.identity
    checkpoint.save(path, work.job, work.position, identity, lengths)


def load_checkpoint(folder: Path, run: Run) -> dict[str, Any] | None:
    """Return the content of a run's checkpoint, None if it has none."""
    path = folder / CHECKPOINT
    return checkpoint.load(path, run.identity) if path.exists() else None


def _with(record: Record, status: Status, reason: str) -> Record:
    return record.model_copy(update={"status": status, "reason": reason})
