"""The runs of a matrix, stack by stack: done runs are skipped, stopped ones resumed."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from urnn_bench.engine.stacked import UpdateThreads
from urnn_bench.errors import Arguments, ComponentError, DataError, RecordsError, UnwritableError
from urnn_bench.records import forced
from urnn_bench.records.folder import (
    CHECKPOINT,
    FORCED,
    REFUSED,
    TO_DO,
    RunStatus,
    check_folder,
    check_name,
    check_replaceable,
    folder_of,
    make_writable,
    status_of_run,
)
from urnn_bench.records.lock import locked
from urnn_bench.records.record import FINAL, Record
from urnn_bench.records.refused import refused
from urnn_bench.run import build, limits
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.device import update_threads
from urnn_bench.run.executor import AcquiredRun, execute_runs, load_checkpoint, with_command
from urnn_bench.run.own_job import free_restarted, has_failed_in_this_array
from urnn_bench.run.scoring import Scoring
from urnn_bench.spec.run import Run

# benchmark, label, length, and whether it is trained
_Alike = tuple[str, str, int, bool]


def check(runs: Sequence[Run], options: ExecutionOptions) -> list[ComponentError | None]:
    """Raise any error that concerns all runs, before anything is trained.

    Returns for every run why it cannot be built: that ends this run and no other. A run whose
    folder cannot be used is refused when its turn comes. Raises KernelError, DeviceError or
    DataError.
    """
    wanted = [not refusal(run, options) and not _ended(run, options) for run in runs]
    tasks = (run.task.name for run, is_wanted in zip(runs, wanted, strict=True) if is_wanted)
    for task in dict.fromkeys(tasks):
        build.check_files(options.components, task, options.command.include)
    drawn: dict[tuple[str, int], ComponentError | None] = {}
    # runs that differ in the seed alone are built alike
    reasons: dict[_Alike, ComponentError | None] = {}
    keys = [(run.benchmark, run.label, run.T, w) for run, w in zip(runs, wanted, strict=True)]
    for key, run in zip(keys, runs, strict=True):
        if key not in reasons:
            reasons[key] = _reason_not_to_start(run, key[-1], options, drawn)
    return [reasons[key] for key in keys]


def _reason_not_to_start(
    run: Run,
    is_wanted: bool,
    options: ExecutionOptions,
    drawn: dict[tuple[str, int], ComponentError | None],
) -> ComponentError | None:
    """Return why a run cannot be built; ``drawn`` collects what came of drawing its data."""
    components, backend = options.components, options.backend
    data = repr(run.task), run.fit.batch
    if is_wanted:
        if reason := _reason(limits.require_memory, components, run, backend.device):
            return reason
        if data not in drawn:
            drawn[data] = _reason(build.check_data, components, run)
    return drawn.get(data) or _reason(build.kernel_of, components, run, backend)


def _reason(
    function: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> ComponentError | None:
    """Return the ComponentError that a function raises, if it does."""
    try:
        function(*args, **kwargs)
    except ComponentError as error:
        return error
    return None


def require_writable(runs: Iterable[Run], options: ExecutionOptions) -> None:
    """Raise RecordsError if nothing can be written to the results and they hold none of the runs.

    If they hold one, the folder of each run decides: one that has ended needs no writing.
    """
    try:
        make_writable(options.results)
    except RecordsError:
        if not any(os.path.isdir(folder_of(options.results, run)) for run in runs):
            raise


def refusal(run: Run, options: ExecutionOptions) -> RecordsError | None:
    """Return why a run cannot be trained, skipped or resumed in its folder; None if it can."""
    try:
        if ended := _ended(run, options):
            if ended.record is not None:
                options.check_data(run, ended.record)
            return None
        check_folder(options.results, run)
        if not options.force:
            _check_checkpoint(run, options)
    except RecordsError as error:
        return with_command(error, run, options)
    return None


def _check_checkpoint(run: Run, options: ExecutionOptions) -> None:
    """Raise RecordsError if a run has a checkpoint that cannot be used."""
    folder = folder_of(options.results, run)
    # most runs have none, and what a checkpoint may take is slow to find out
    if not os.path.lexists(folder / CHECKPOINT):
        return
    # what else is wrong with a run is said where it is built
    with suppress(ComponentError, DataError):
        limits.require_memory(options.components, run, options.backend.device)
        load_checkpoint(folder, run, options.components)


def _ended(run: Run, options: ExecutionOptions) -> RunStatus | None:
    """Return the status of a run that needs no training, None if it needs some.

    Raises RecordsError if its record cannot be used.
    """
    folder = folder_of(options.results, run)
    check_name(folder)
    if options.force:
        return None
    status = status_of_run(folder)
    return status if status.status in FINAL else None


def execute_matrix(
    stacks: Iterable[Sequence[Run]],
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None] = lambda: None,
) -> Iterator[RunStatus]:
    """Yield the status of each run after it was trained or skipped.

    The runs of a stack are trained together. ``should_stop`` returns the name of the signal that
    asks to stop, if there was one. Raises OSError where no more files can be
    opened.
    """
    with update_threads(options.backend) as threads:
        for stack in stacks:
            if should_stop():
                return
            yield from _execute_stack(stack, options, display, should_stop, threads)


def _execute_stack(
    stack: Sequence[Run],
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None],
    threads: UpdateThreads,
) -> list[RunStatus]:
    """Train the runs of a stack that no other process is training, then score them.

    Those that are done are not trained, but scored at the lengths that they lack.
    """
    statuses = _train_stack(stack, options, display, should_stop, threads)
    scoring = Scoring(options, display, should_stop)
    return [scoring(*pair) for pair in zip(stack, statuses, strict=True)]


def _train_stack(
    stack: Sequence[Run],
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None],
    threads: UpdateThreads,
) -> list[RunStatus]:
    """Train the runs of a stack that are not done and that no other process is training."""
    with ExitStack() as locks:
        entries = [_acquire(run, options, display, locks) for run in stack]
        acquired = [entry for entry in entries if isinstance(entry, AcquiredRun)]
        results = iter(execute_runs(acquired, options, display, should_stop, threads))
        return [
            entry if isinstance(entry, RunStatus) else _status(entry.run, next(results), display)
            for entry in entries
        ]


def _status(run: Run, result: Record | RecordsError, display: Display) -> RunStatus:
    if isinstance(result, RecordsError):
        return _refuse(run, result, display)
    return RunStatus(result.status, result)


def _refuse(run: Run, error: RecordsError, display: Display) -> RunStatus:
    status = RunStatus(REFUSED, reason=str(error))
    display.skip(run, status)
    return status


def _acquire(
    run: Run, options: ExecutionOptions, display: Display, locks: ExitStack
) -> AcquiredRun | RunStatus:
    """Lock a run's folder for training; return the status of a run that is skipped instead.

    With ``force`` a run that has a record is trained anew, beside it.
    """
    lock = locks.enter_context(ExitStack())
    try:
        return _acquire_unless_refused(run, options, display, lock)
    except (RecordsError, OSError) as error:
        with lock:
            return _ended_or_refused(run, error, options, display)


def _ended_or_refused(
    run: Run, error: RecordsError | OSError, options: ExecutionOptions, display: Display
) -> RunStatus:
    """Skip a run that has ended, as it needs no writing; refuse another.

    Raises an OSError that concerns all runs.
    """
    # a damaged record is no reason to say more than the first error
    with suppress(RecordsError):
        is_unwritable = isinstance(error, UnwritableError | OSError)
        if is_unwritable and (ended := _ended(run, options)):
            return _skip(run, ended, options, display)
    if isinstance(error, OSError):
        raise error
    return _refuse(run, error, display)


def _known(folder: Path) -> RunStatus:
    """Return the status of a run; what is wrong with its record is told once it is locked."""
    with suppress(RecordsError):
        return status_of_run(folder)
    return RunStatus(TO_DO)


def _needs_no_lock(folder: Path, known: RunStatus, options: ExecutionOptions) -> bool:
    """Return whether a run is skipped by its record alone, as most of a large matrix may be."""
    if options.force or os.path.lexists(folder / FORCED):
        return False
    return known.status in FINAL or has_failed_in_this_array(known.record)


def _acquire_unless_refused(
    run: Run, options: ExecutionOptions, display: Display, lock: ExitStack
) -> AcquiredRun | RunStatus:
    folder = folder_of(options.results, run)
    check_folder(options.results, run)
    known = _known(folder)
    if _needs_no_lock(folder, known, options):
        if error := refusal(run, options):
            raise error
        return _skip(run, known, options, display)
    free_restarted(folder, known.record)
    if (lease := lock.enter_context(locked(folder))) is None:
        return _skip(run, RunStatus("running"), options, display)
    with refused(folder, "cannot be written to"):
        forced.replace_if_final(folder)
        if options.force and forced.has_record(folder):
            check_replaceable(folder)
            forced_folder, record = forced.begin(folder)
            return AcquiredRun(run, record, lock, lease, forced_folder, is_forced=True)
    if error := refusal(run, options):
        raise error
    status = status_of_run(folder)
    if status.status not in FINAL:
        return AcquiredRun(run, status.record, lock, lease, folder)
    with lock:
        return _skip(run, status, options, display)


def _skip(run: Run, status: RunStatus, options: ExecutionOptions, display: Display) -> RunStatus:
    """Show that a run is skipped."""
    pending = forced.status_of_forced(folder_of(options.results, run))
    display.skip(run, replace(status, forced=pending))
    return status
