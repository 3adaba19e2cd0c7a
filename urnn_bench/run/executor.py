"""The runs of one stack: opened or resumed, trained together, each closed with its own status."""

import os
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
from urnn_bench.errors import DamagedRecordError, NewerRecordError, RecordsError, attempt
from urnn_bench.global_state import folder_restorer, kept
from urnn_bench.records import forced
from urnn_bench.records.folder import CHECKPOINT, METRICS, PROBES, remove_leftovers
from urnn_bench.records.lease import Lease
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.metrics import MetricsWriter
from urnn_bench.records.probes import ProbesWriter
from urnn_bench.records.record import NAME, Record
from urnn_bench.records.refused import refused
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint, limits, provenance, start
from urnn_bench.run.checkpoint_content import Checkpoint
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
    lease: Lease
    folder: Path
    is_forced: bool = False


@kept()
def execute_runs(
    acquired: Sequence[AcquiredRun],
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None],
    threads: UpdateThreads,
) -> list[Record | RecordsError]:
    """Train a stack of runs; return their records, whose status says what ended each.

    A run whose folder cannot be used has an error instead, and is left as it was. What a run's
    components raise ends that run only. Raises OSError if no more files can be opened.
    """
    opened = [_open_or_begin_anew(run, len(acquired), options, display) for run in acquired]
    active = [run for run in opened if isinstance(run, ActiveRun)]
    for run, job in zip(active, share_strategy([run.job for run in active]), strict=True):
        run.job = job
    # the runs of a stack share its time
    limit_s = None if options.time_limit_s is None else options.time_limit_s * len(acquired)
    recorders = [RunRecorder(run, display, should_stop, limit_s) for run in active]
    trained = iter(_train(recorders, threads))
    return [next(trained) if isinstance(run, ActiveRun) else run for run in opened]


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
    # a step of a user's may change it, and paths of the records may be relative
    restore_folder = folder_restorer()
    for i, event in train(jobs, states, left, threads):
        restore_folder()
        recorders[i].handle(event)
        close_if_it_has_left(i)
    return [records[i] for i in range(len(recorders))]


def _open_or_begin_anew(
    acquired: AcquiredRun, stack_size: int, options: ExecutionOptions, display: Display
) -> ActiveRun | Record | RecordsError:
    """Open a run; begin a forced one anew if its earlier attempt cannot be continued."""
    opened = _open(acquired, stack_size, options, display)
    is_damaged = isinstance(opened, DamagedRecordError)
    if is_damaged and acquired.is_forced and acquired.record is not None:
        warnings.warn(f"{opened}; the forced run begins anew", RecordsWarning, 2)
        folder, _ = forced.begin_anew(acquired.folder.parent)
        anew = replace(acquired, record=None, folder=folder)
        opened = _open(anew, stack_size, options, display)
    if isinstance(opened, RecordsError):
        acquired.lock.close()
        return with_command(opened, acquired.run, options)
    return opened


def _open(
    acquired: AcquiredRun, stack_size: int, options: ExecutionOptions, display: Display
) -> ActiveRun | Record | RecordsError:
    """Return a run ready to train, the record of one that failed, or why its folder is unusable."""
    began_s, run, folder = time.monotonic(), acquired.run, acquired.folder
    provenance.reset_peak()
    record = provenance.start_session(run, acquired.record, stack_size, options.jobs)
    prepared = attempt(_prepare_folder, record, folder)
    if isinstance(prepared, RecordsError):
        return prepared
    if isinstance(prepared, Exception):
        raise prepared
    opened = attempt(_open_files, record, acquired, options, began_s)
    if isinstance(opened, RecordsError):
        _put_back(acquired.record, folder)
        return opened
    if isinstance(opened, Exception):
        if is_out_of_files(opened):
            raise opened
        with acquired.lock:
            return _failed(record, opened, folder, display)
    return opened


def _prepare_folder(record: Record, folder: Path) -> None:
    """Clean a run's folder and write that the run has begun.

    Raises RecordsError if nothing can be written there, and OSError if nothing can be anywhere.
    """
    remove_leftovers(folder)
    with refused(folder, "cannot be written to"):
        record.write(folder)


def _open_files(
    record: Record, acquired: AcquiredRun, options: ExecutionOptions, began_s: float
) -> ActiveRun:
    """Build what a run needs, and restore it from its checkpoint if it has one."""
    run, folder, lock = record.run, acquired.folder, acquired.lock
    limits.require_memory(options.components, run, options.backend.device)
    job, kernel = build.job_of(options.components, run, options.backend)
    content = load_checkpoint(folder, run, options.components)
    if content is None:
        start.load(run, job)
    state = checkpoint.restore(content, job, folder / CHECKPOINT) if content else TrainState()
    lengths: dict[str, int] = content.lengths if content else {}
    probe_runner = build.probe_runner_of(options.components, run)
    files = lock.enter_context(ExitStack())
    place = folder / METRICS, lengths.get(METRICS, 0)
    metrics_writer = MetricsWriter(*place, in_stages=bool(run.stages))
    metrics = files.enter_context(closing(metrics_writer))
    probes = None
    if probe_runner:
        writer = ProbesWriter(folder / PROBES, lengths.get(PROBES, 0))
        probes = files.enter_context(closing(writer))
    with kept():
        record = provenance.record_build(record, job, kernel, state)
    _warn_of_changes(record, resumed=content is not None)
    held = (lock, acquired.lease, files)
    opened = (folder, record, job, state, began_s, *held, metrics, probe_runner, probes)
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


def with_command(error: RecordsError, run: Run, options: ExecutionOptions) -> RecordsError:
    """Return an error, of damage with the command that trains the run, and no other, again."""
    if not isinstance(error, DamagedRecordError) or isinstance(error, NewerRecordError):
        return error
    return RecordsError(f"{error}; to train this run alone again: {options.command_again(run)}")


def _put_back(record: Record | None, folder: Path) -> None:
    """Leave the record that a run had before it was opened."""
    if record is None:
        (folder / NAME).unlink()
    else:
        record.write(folder)


def load_checkpoint(folder: Path, run: Run, components: Components) -> Checkpoint | None:
    """Return the content of a run's checkpoint, None if it has none.

    Raises RecordsError if it cannot be that of this run, ComponentError if its cell is unusable.
    """
    path = folder / CHECKPOINT
    if not os.path.lexists(path):
        return None
    content = checkpoint.load(path, run.identity, build.checkpoint_limit_mb(components, run))
    # a file without a length would be emptied
    if content.lengths.keys() != {METRICS, *([PROBES] if run.probes else [])}:
        raise checkpoint.damaged(path, "other files")
    return content
