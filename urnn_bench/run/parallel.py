"""Stacks in processes of their own, by joblib's loky: each worker trains one stack at a time."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from urnn_bench.machine import processors
from urnn_bench.records.folder import TO_DO, RunStatus, folder_of, status_of_run
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.job_count import Jobs, Stack
from urnn_bench.run.relay import Address, Relay
from urnn_bench.run.scheduler import execute_matrix
from urnn_bench.run.terminal import terminal_ignored
from urnn_bench.run.worker import Work, train_stack

# a worker that has had nothing to do for so long ends, also where nobody is there to end it
_IDLE_S = 60


def execute_jobs(
    jobs: Jobs,
    options: ExecutionOptions,
    display: Display,
    should_stop: Callable[[], str | None],
) -> Iterator[RunStatus]:
    """Yield the status of each run after it was trained or skipped, in this process or in several.

    If a worker is killed, the stacks that have not ended go on in half as many workers.
    """
    if jobs.count == 1:
        yield from execute_matrix(jobs.stacks, options, display, should_stop)
        return
    left, count = dict(enumerate(jobs.stacks)), jobs.count
    with Relay(display, should_stop) as relay:
        while left and count and not should_stop():
            shared = replace(options, jobs=count)
            work = Work(shared, jobs.threads, tuple(sys.argv))
            try:
                for i, statuses in _execute(left, work, relay.address):
                    del left[i]
                    yield from statuses
            except BrokenProcessPool:
                count //= 2
                if not should_stop():
                    _warn_of_killed_worker(count)
    begun = (status_of_run(folder_of(options.results, run)) for s in left.values() for run in s)
    yield from (status for status in begun if status.status != TO_DO)


def _execute(
    left: Mapping[int, Stack], work: Work, address: Address
) -> Iterator[tuple[int, list[RunStatus]]]:
    """Yield the numbers of stacks and the statuses of their runs, in the order in which they end.

    Raises BrokenProcessPool if a worker is killed, which ends the others too.
    """
    # joblib takes 0.2 s to import
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor

    count = work.options.jobs
    threads = work.threads or max(1, processors.count() // count)
    tasks = [delayed(_train_in_worker)(i, stack, work, address) for i, stack in left.items()]
    try:
        # in the environment of a worker before it imports torch
        with parallel_config("loky", inner_max_num_threads=threads, idle_worker_timeout=_IDLE_S):
            parallel = Parallel(count, return_as="generator_unordered", batch_size=1)
            with terminal_ignored():
                ended = parallel(tasks)
            yield from ended
    finally:
        get_reusable_executor().shutdown(wait=True)


def _warn_of_killed_worker(count: int) -> None:
    text = "a process that trained runs was killed, perhaps for lack of memory; what it saved is "
    text += f"kept, and the runs go on in {_count(count)}" if count else "kept"
    warnings.warn(text, RecordsWarning, 2)


def _count(processes: int) -> str:
    return f"{processes} processes" if processes > 1 else "one process"


def _train_in_worker(
    number: int, stack: Stack, work: Work, address: Address
) -> tuple[int, list[RunStatus]]:
    return number, train_stack(stack, work, address.connect())
