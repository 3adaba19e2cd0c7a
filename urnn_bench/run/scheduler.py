"""The runs of a matrix, stack by stack: done runs are skipped, stopped ones resumed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from urnn_bench.engine.stacked import UpdateThreads
from urnn_bench.errors import Arguments, ComponentError, DamagedRecordError
from urnn_bench.records import forced
from urnn_bench.records.folder import RunStatus, folder_of, locked, status_of_run
from urnn_bench.records.record import FINAL, Record
from urnn_bench.run import build, limits, provenance
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.device import update_threads
from urnn_bench.run.executor import AcquiredRun, execute_runs, load_checkpoint, with_command
from urnn_bench.spec.run import Run


def check(runs: Sequence[Run], options: ExecutionOptions) -> list[ComponentError | None]:
    """Raise any error that concerns all runs, before anything is trained.

    Returns for every run why it cannot be built: that ends this run and no other. Raises
    KernelError, DeviceError, DataError, or RecordsError for a damaged or too new record.
    """
    wanted = [options.force or not _has_ended(run, options) for run in runs]
    tasks = (run.task.name for run, is_wanted in zip(runs, wanted, strict=True) if is_wanted)
    for task in dict.fromkeys(tasks):
        build.check_files(options.components, task, options.command.include)
    drawn: dict[tuple[str, int], ComponentError | None] = {}
    return [
        _reason_not_to_start(run, is_wanted, options, drawn)
        for run, is_wanted in zip(runs, wanted, strict=True)
    ]


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


def _has_ended(run: Run, options: ExecutionOptions) -> bool:
    """Return whether a run is done; raise RecordsError if its record or checkpoint is damaged."""
    folder = folder_of(options.results, run)
    try:
        if status_of_run(folder).status in FINAL:
            return True
        load_checkpoint(folder, run)
    except DamagedRecordError as error:
        raise with_command(error, run, options) from error
    return False


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
    """Train the runs of a stack that are not done and that no other process is training."""
    with ExitStack() as locks:
        entries = [_acquire(run, options, display, locks) for run in stack]
        acquired = [entry for entry in entries if isinstance(entry, AcquiredRun)]
        records = iter(execute_runs(acquired, options, display, should_stop, threads))
        return [
            entry if isinstance(entry, RunStatus) else _status(next(records)) for entry in entries
        ]


def _status(record: Record) -> RunStatus:
    return RunStatus(record.status, record)


def _acquire(
    run: Run, options: ExecutionOptions, display: Display, locks: ExitStack
) -> AcquiredRun | RunStatus:
    """Lock a run's folder for training; return the status of a run that is skipped instead.

    With ``force`` a run that has a record is trained anew, beside it.
    """
    folder, lock = folder_of(options.results, run), locks.enter_context(ExitStack())
    if not lock.enter_context(locked(folder)):
        return _skip(run, RunStatus("running"), options, display)
    forced.replace_if_final(folder)
    if options.force and forced.has_record(folder):
        forced_folder, record = forced.begin(folder)
        return AcquiredRun(run, record, lock, forced_folder, is_forced=True)
    status = status_of_run(folder)
    if status.status not in FINAL:
        return AcquiredRun(run, status.record, lock, folder)
    with lock:
        return _skip(run, status, options, display)


def _skip(run: Run, status: RunStatus, options: ExecutionOptions, display: Display) -> RunStatus:
    """Show that a run is skipped; note in its record that its settings are requested now."""
    if status.record is not None:
        requested = status.record.run.model_copy(update={"settings": run.settings})
        update = {"asked": provenance.now(), "run": requested}
        status.record.model_copy(update=update).write(folder_of(options.results, run))
    pending = forced.status_of_forced(folder_of(options.results, run))
    display.skip(run, replace(status, forced=pending))
    return status
