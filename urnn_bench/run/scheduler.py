"""Carry out a matrix of runs: skip what is done, resume what is not."""

import shlex
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from urnn_bench.engine.loop import Position, course, heard
from urnn_bench.engine.stacked import Answer, Workers, driven
from urnn_bench.engine.update import Due, Job
from urnn_bench.errors import ComponentError, RecordsError
from urnn_bench.events import Event, Updated
from urnn_bench.records.folder import RunStatus, clear, folder_of, locked, status_of_run
from urnn_bench.records.record import FINAL
from urnn_bench.run import build, provenance
from urnn_bench.run.context import ExecutionOptions, Shell
from urnn_bench.run.device import workers_of
from urnn_bench.run.executor import Company, Performance, load_checkpoint, perform
from urnn_bench.spec.run import Run


def check(runs: Sequence[Run], conditions: ExecutionOptions) -> None:
    """Raise, before anything is trained, what would stop one of the runs from beginning.

    Raises KernelError, DeviceError, DataError, or RecordsError for a damaged or too new record.
    """
    wanted = [run for run in runs if conditions.force or not _ended(run, conditions)]
    for run in {(repr(run.task), run.fit.batch): run for run in wanted}.values():
        build.check_data(conditions.components, run)
    for run in runs:
        # a cell that cannot be built is its run's failure, not the matrix's
        with suppress(ComponentError):
            build.kernel_of(conditions.components, run, conditions.backend)
        if not conditions.force:
            _check_records(run, folder_of(conditions.results, run))


def _ended(run: Run, conditions: ExecutionOptions) -> bool:
    return status_of_run(folder_of(conditions.results, run)).status in FINAL


def _check_records(run: Run, folder: Path) -> None:
    try:
        if status_of_run(folder).status not in FINAL:
            load_checkpoint(folder, run)
    except RecordsError as error:
        one = ["--model", run.label, "--T", str(run.T), "--seed", str(run.seed), "--force"]
        where = shlex.join(["urnn-bench", "run", run.benchmark, *one])
        raise RecordsError(f"{error}; this run alone: {where}") from error


def carry_out(
    stacks: Iterable[Sequence[Run]], conditions: ExecutionOptions, shell: Shell
) -> Iterator[RunStatus]:
    """Yield the state of each run after carrying it out, or leaving it alone.

    The runs of a stack are carried out at once.
    """
    with workers_of(conditions.backend) as workers:
        for stack in stacks:
            if shell.stop():
                return
            yield from _carry_out(stack, conditions, shell, workers)


def seconds_per_update(stack: Sequence[Run], conditions: ExecutionOptions) -> float:
    """Return a run's share of an update of its stack, from one made for it after the first ones."""
    made = (build.job_of(conditions.components, run, conditions.backend) for run in stack)
    jobs = [job for job, _ in made]
    company = Company(len(jobs))
    jobs = [company.joined(job) for job in jobs]
    count = jobs[0].descent.warm_up + 1
    with workers_of(conditions.backend) as workers:
        return driven([_timed(job, count) for job in jobs], workers)[0]


def _timed(job: Job, count: int) -> Generator[Due, Answer, float]:
    """Carry out ``count`` updates, and return the seconds of the last one."""
    fit = job.fit.model_copy(update={"steps": count + 1, "log_every": 1})
    times = [0.0]

    def timed(event: Event) -> bool:
        if isinstance(event, Updated):
            times.append(event.train_s)
        return len(times) > count

    yield from heard(course(replace(job, fit=fit), Position(evaluated=True)), timed)
    return times[-1] - times[-2]


def _carry_out(
    stack: Sequence[Run], conditions: ExecutionOptions, shell: Shell, workers: Workers
) -> list[RunStatus]:
    """Carry out the runs of a stack that nobody else is at and that are not done."""
    with ExitStack() as held:
        states: list[RunStatus] = []
        going: dict[int, Performance] = {}
        company = Company(0)
        for place, run in enumerate(stack):
            own = held.enter_context(ExitStack())
            mine, state = _taken(run, own, conditions)
            if not mine or state.status in FINAL:
                state = _left_alone(run, state, conditions, shell)
            else:
                company.size += 1
                performance = perform(run, state.record, conditions, shell, company)
                going[place] = _released(own, performance)
            states.append(state)
        for place, record in zip(going, driven(list(going.values()), workers), strict=True):
            states[place] = RunStatus(record.status, record)
    return states


def _released(held: ExitStack, performance: Performance) -> Performance:
    """Carry out a run, and let go of its lock when it has ended, whatever the others do."""
    with held:
        return (yield from performance)


def _taken(run: Run, held: ExitStack, conditions: ExecutionOptions) -> tuple[bool, RunStatus]:
    """Return whether a run is this process's now, and its state; a forced one begins anew."""
    folder = folder_of(conditions.results, run)
    if not held.enter_context(locked(folder)):
        return False, RunStatus("running")
    if conditions.force:
        clear(folder)
    return True, status_of_run(folder)


def _left_alone(
    run: Run, state: RunStatus, conditions: ExecutionOptions, shell: Shell
) -> RunStatus:
    """Show that a run is not carried out; note that it is its settings that are wanted now."""
    if state.record is not None:
        asked = state.record.run.model_copy(update={"settings": run.settings})
        now, folder = provenance.now(), folder_of(conditions.results, run)
        state.record.model_copy(update={"asked": now, "run": asked}).write(folder)
    shell.display.skip(run, state)
    return state
