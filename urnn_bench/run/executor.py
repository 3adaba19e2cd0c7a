"""The runs of one stack: opened or resumed, trained together, each closed with its own status."""

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from urnn_bench.engine.loop import train
from urnn_bench.engine.stacked import UpdateThreads
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import DamagedRecordError, RecordsError, attempt
from urnn_bench.records import forced
from urnn_bench.records.folder import CHECKPOINT, METRICS, PROBES, remove_leftovers
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.probes import ProbesWriter
from urnn_bench.records.record import Record
from urnn_bench.run import build, checkpoint, limits, provenance
from urnn_bench.run.checkpoint import Checkpoint
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.failures import status_of
from urnn_bench.run.open_files import is_out_of_files
from urnn_bench.run.recorder import ActiveRun, RunRecorder
from urnn_bench.spec.run import Run


@dataclass(frozen=True)
class AcquiredRun:
    """A run whose folder this process alone writes to, until ``lock`` is closed.

    The folder of a forced run is in that of the record which it replaces when it is done.
    """

    run: Run
    record: Record | None
    lock: ExitStack
    folder: Path
    is_forced: bool = False


def execute_runs(
    acquired: Sequence[AcquiredRun],
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None],
    threads: UpdateThreads,
) -> list[Record]:
    """Train a stack of runs; return their records, whose status says what ended each.

    Raises RecordsError for a damaged checkpoint, and OSError if no more files can be opened; what a
    run's components raise ends that run only.
    """
    opened = [_open_or_begin_anew(run, len(acquired), options, display) for run in acquired]
    active = [run for run in opened if isinstance(run, ActiveRun)]
    for run, job in zip(active, share_strategy([run.job for run in active]), strict=True):
        run.job = job
    # the runs of a stack share its time
    limit_s = None if options.time_limit_s is None else options.time_limit_s * len(acquired)
    recorders = [RunRecorder(run, display, should_stop, limit_s) for run in active]
    trained = iter(_train(recorders, threads))
    return [run if isinstance(run, Record) else next(trained) for run in opened]


def _train(recorders: Sequence[RunRecorder], threads: UpdateThreads) -> list[Record]:
    left, records = set[int](), dict[int, Record]()

    def close_if_it_has_left(i: int) -> None:
        if recorders[i].has_left:
            left.add(i)
            records[i] = recorders[i].close()

    for i, recorder in enumerate(recorders):
        recorder.start()
        close_if_it_has_left(i)
    jobs, states = [r.run.job for r in recorders], [r.run.state for r in recorders]
    for i, event in train(jobs, states, left, threads):
        recorders[i].handle(event)
        close_if_it_has_left(i)
    return [records[i] for i in range(len(recorders))]


def _open_or_begin_anew(
    acquired: AcquiredRun, stack_size: int, options: ExecutionOptions, display: Display
) -> ActiveRun | Record:
    """Open a run; begin a forced one anew if its earlier attempt cannot be continued."""
    try:
        return _open(acquired, stack_size, options, display)
    except DamagedRecordError as error:
        if acquired.record is None or not acquired.is_forced:
            raise with_command(error, acquired.run, options) from error
        warnings.warn(f"{error}; the forced run begins anew", RecordsWarning, 2)
    folder, _ = forced.begin_anew(acquired.folder.parent)
    return _open(replace(acquired, record=None, folder=folder), stack_size, options, display)


def _open(
    acquired: AcquiredRun, stack_size: int, options: ExecutionOptions, display: Display
) -> ActiveRun | Record:
    """Return a run ready to train, or the record of one that failed to open."""
    began_s, run, folder = time.monotonic(), acquired.run, acquired.folder
    provenance.reset_peak()
    remove_leftovers(folder)
    record = provenance.start_session(run, acquired.record, stack_size)
    record.write(folder)
    opened = attempt(_open_files, record, acquired, options, began_s)
    if isinstance(opened, Exception):
        if isinstance(opened, RecordsError) or is_out_of_files(opened):
            raise opened
        with acquired.lock:
            return _failed(record, opened, folder, display)
    return opened


def _open_files(
    record: Record, acquired: AcquiredRun, options: ExecutionOptions, began_s: float
) -> ActiveRun:
    """Build what a run needs, and restore it from its checkpoint if it has one."""
    run, folder, lock = record.run, acquired.folder, acquired.lock
    limits.require_memory(options.components, run, options.backend.device)
    job, kernel = build.job_of(options.components, run, options.backend)
    content = load_checkpoint(folder, run)
    state = checkpoint.restore(content, job) if content else TrainState()
    lengths: dict[str, int] = content["lengths"] if content else {}
    probe_runner = build.probe_runner_of(options.components, run)
    files = lock.enter_context(ExitStack())
    metrics = files.enter_context(closing(MetricsWriter(folder / METRICS, lengths.get(METRICS, 0))))
    probes = None
    if probe_runner:
        writer = ProbesWriter(folder / PROBES, lengths.get(PROBES, 0))
        probes = files.enter_context(closing(writer))
    record = provenance.record_build(record, job, kernel, state)
    _warn_of_changes(record, resumed=content is not None)
    opened = (folder, record, job, state, began_s, lock, files, metrics, probe_runner, probes)
    return ActiveRun(*opened, is_forced=acquired.is_forced)


def _warn_of_changes(record: Record, resumed: bool) -> None:
    if resumed and (changes := provenance.environment_changes(record)):
        text = f"{record.run.slug}: resumed with another {changes}; the curve is no longer exact"
        warnings.warn(text, RecordsWarning, 2)


def _failed(record: Record, error: Exception, folder: Path, display: Display) -> Record:
    status, reason = status_of(error, folder)
    record = record.model_copy(update={"status": status, "reason": reason})
    display.start(record)
    record.write(folder)
    display.end(record)
    return record


def with_command(error: DamagedRecordError, run: Run, options: ExecutionOptions) -> RecordsError:
    """Return the error with the command that trains the run, and no other, again."""
    command = options.command_again(run)
    return RecordsError(f"{error}; to train this run alone again: {command}")


def load_checkpoint(folder: Path, run: Run) -> Checkpoint | None:
    """Return the content of a run's checkpoint, None if it has none."""
    path = folder / CHECKPOINT
    return checkpoint.load(path, run.identity) if path.exists() else None
