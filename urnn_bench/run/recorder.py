"""What happens in one run, recorded in its folder, shown, and saved in checkpoints."""

import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import attempt
from urnn_bench.events import Ended, Event, Measured, Probed, Updated
from urnn_bench.probes._runner import ProbeRunner
from urnn_bench.records import forced
from urnn_bench.records.folder import CHECKPOINT, METRICS, PROBES, RunStatus
from urnn_bench.records.lease import Lease
from urnn_bench.records.lines import CsvAppender, RecordsWarning
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.probes import ProbesWriter
from urnn_bench.records.record import RUNNING, Record, Status
from urnn_bench.run import checkpoint, provenance
from urnn_bench.run.context import Display
from urnn_bench.run.failures import status_of

# checkpoints may take at most this share of the time
_CHECKPOINT_SHARE = 0.02
_CHECKPOINT_AT_LEAST_S = 1.0
_FROZEN = (
    "the optimizer's state is not finite; clip gradients by value, train in float64, or for "
    "rmsprop_paper set fit.optimizer.accumulator=root"
)
_NONFINITE_NORM = (
    "clipping by such a norm makes the whole gradient 0; clip by value, as by "
    "fit.clip={value: 1.0}, or train in float64"
)


@dataclass
class ActiveRun:
    """One run in progress: its record, its training state, and its open files."""

    folder: Path
    record: Record
    job: Job
    state: TrainState
    began_s: float
    lock: ExitStack
    lease: Lease
    open_files: ExitStack
    metrics: MetricsWriter
    probe_runner: ProbeRunner | None = None
    probes: ProbesWriter | None = None
    is_forced: bool = False

    @property
    def files(self) -> dict[str, CsvAppender]:
        """The open files by their names."""
        return {METRICS: self.metrics, **({PROBES: self.probes} if self.probes else {})}

    def save(self) -> None:
        """Replace the checkpoint; the files are on the disk before it says how long they are."""
        lengths = {name: file.sync() for name, file in self.files.items()}
        path, identity = self.folder / CHECKPOINT, self.record.identity
        checkpoint.save(path, self.job, self.state, identity, lengths)

    def set_status(self, status: Status, reason: str) -> None:
        """Note in the record what ended the run."""
        self.record = self.record.model_copy(update={"status": status, "reason": reason})


class RunRecorder:
    """Handles the events of one run; ``has_left`` once it needs no more updates."""

    def __init__(
        self,
        run: ActiveRun,
        display: Display,
        should_stop: Callable[[], str | None],
        limit_s: float | None,
    ) -> None:
        self.run, self.has_left = run, False
        self._display, self._should_stop, self._limit_s = display, should_stop, limit_s
        self._saved_s = time.monotonic()
        self._save_s = 0.0
        self._unread = set[str]()

    def start(self) -> None:
        """Record and show that the run begins or resumes; probe the initial weights."""
        self.run.record.write(self.run.folder)
        self._display.start(self.run.record)
        # a network that is solved has a checkpoint of step 0
        if self.run.state.step == 0 and not self.run.state.evaluated:
            self._probe()

    def handle(self, event: Event | Exception) -> None:
        """Record and show an event; after an update, probe, save or stop when due.

        A run that a process of another host has taken over is left to it.
        """
        self.has_left = self.has_left or not self.run.lease.is_held
        if self.has_left:
            return
        if isinstance(event, Exception):
            event = Ended(*status_of(event, self.run.folder))
        if isinstance(event, Updated) and event.step:
            # before the checkpoint that may follow this event; the first weights are probed already
            self._probe()
        if not self.has_left:
            self._take(event)
        if isinstance(event, Updated) and not self.has_left:
            self._save_or_stop()

    def close(self) -> Record:
        """Close the files, write the final record, and unlock the folder for other processes.

        Nothing is written if another process has taken over the run.
        """
        run = self.run
        run.open_files.close()
        if not run.lease.is_held:
            return self._leave()
        wall_s = time.monotonic() - self.run.began_s
        record = provenance.record_end(run.record, run.job, run.state, wall_s)
        record.write(run.folder)
        if run.is_forced:
            forced.replace_if_final(run.folder.parent)
        self._display.end(record)
        run.lock.close()
        return record

    def _leave(self) -> Record:
        self._display.skip(self.run.record.run, RunStatus(RUNNING))
        self.run.lock.close()
        return self.run.record

    def _probe(self) -> None:
        run = self.run
        if run.probe_runner is None or not run.probe_runner.schedule.due(run.state.step):
            return
        probed = attempt(run.probe_runner.run, run.job, run.state)
        if isinstance(probed, Exception):
            self.handle(probed)
        else:
            self._warn_of_failures(probed)
            self._take(probed)

    def _warn_of_failures(self, probed: Probed) -> None:
        """Warn once of every probe that cannot read this network; its training goes on."""
        new = {name: why for name, why in probed.failures.items() if name not in self._unread}
        for why in dict.fromkeys(new.values()):
            names = " and ".join(name for name, reason in new.items() if reason == why)
            text = f"{self.run.folder.name}: {names} cannot be read at update {probed.step}: {why}"
            warnings.warn(f"{text}; training goes on without", RecordsWarning, 2)
        self._unread |= new.keys()

    def _take(self, event: Event) -> None:
        self._record(event)
        self._display.show(self.run.record.run, event)
        self.has_left = isinstance(event, Ended)

    def _record(self, event: Event) -> None:
        run = self.run
        if isinstance(event, Probed):
            _record_probes(run, event)
        elif isinstance(event, Measured):
            run.metrics.write(event)
            if event.split == "train":
                self._count_frozen(event)
                self._warn_of_norms(event)
            if event.split == "test":
                run.record = run.record.model_copy(update={"test": dict(event.metrics)})
        elif isinstance(event, Ended):
            run.set_status(event.status, event.reason)

    def _count_frozen(self, event: Measured) -> None:
        """Note how many parameters are frozen; warn the first time."""
        record, count = self.run.record, event.frozen
        since = record.frozen_step
        if count and since is None:
            since = event.step
        # a loss that is not finite ends the run, which says enough
        if since == event.step and all(map(isfinite, event.metrics.values())):
            share = f"{count:,} of {record.parameters:,} parameters"
            text = f"{self.run.folder.name}: {share} no longer move at update {since}"
            warnings.warn(f"{text}: {_FROZEN}", RecordsWarning, 2)
        update = {"frozen_parameters": count, "frozen_step": since}
        self.run.record = record.model_copy(update=update)

    def _warn_of_norms(self, event: Measured) -> None:
        """Warn the first time that a gradient was clipped by a norm that is not finite."""
        is_finite = all(map(isfinite, event.metrics.values()))
        if is_finite and self.run.state.nonfinite_norm_step == event.step:
            count = f"{self.run.state.nonfinite_norms} of the updates until {event.step}"
            text = f"{self.run.folder.name}: the gradient's norm was not finite at {count}"
            warnings.warn(f"{text}: {_NONFINITE_NORM}", RecordsWarning, 2)

    def _save_or_stop(self) -> None:
        now_s, ended = time.monotonic(), self.run.state.ended
        stop = None if ended else self._reason_to_stop(now_s - self.run.began_s)
        if stop or ended or now_s - self._saved_s > self._pause_s:
            self.run.save()
            self._saved_s = time.monotonic()
            self._save_s = self._saved_s - now_s
        if stop:
            self.run.set_status(*stop)
            self.has_left = True

    @property
    def _pause_s(self) -> float:
        return max(_CHECKPOINT_AT_LEAST_S, self._save_s / _CHECKPOINT_SHARE)

    def _reason_to_stop(self, elapsed_s: float) -> tuple[Status, str] | None:
        if signal := self._should_stop():
            return "interrupted", f"stopped by {signal}"
        if self._limit_s is not None and elapsed_s > self._limit_s:
            return "timeout", f"the time limit of {self._limit_s:g} s"
        return None


def _record_probes(run: ActiveRun, event: Probed) -> None:
    if run.probes:
        run.probes.write(event)
    numbers = dict(event.numbers)
    stage = run.job.at(event.step).stage
    measured = Measured(event.step, event.examples, event.train_s, "probe", numbers, stage=stage)
    run.metrics.write(measured)
    cost_s = round(run.record.probe_s + event.cost_s, 3)
    run.record = run.record.model_copy(update={"probe_s": cost_s})
