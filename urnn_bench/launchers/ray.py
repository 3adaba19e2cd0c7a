"""Ray: each stack is a task of a cluster, with its share of processors and GPUs."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from urnn_bench.errors import RecordsError, UrnnBenchError, UsageError, first_line
from urnn_bench.launchers._ray_cluster import Cluster, connected, shares_folder
from urnn_bench.launchers._ray_share import Share
from urnn_bench.launchers._ray_worker import Mailbox, RayWork, train_on_node
from urnn_bench.launchers.base import StackLauncher, own_variables
from urnn_bench.records.folder import RunStatus, folder_of, make_writable, status_of_run
from urnn_bench.records.lease import break_lease
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.lock import locked
from urnn_bench.records.merging import run_files, write_run_files
from urnn_bench.records.record import FINAL, RUNNING
from urnn_bench.registry import included_files
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.job_count import Jobs, Stack
from urnn_bench.run.relay import show_message
from urnn_bench.run.scheduler import execute_matrix
from urnn_bench.run.worker import Work
from urnn_bench.spec.run import Run

_WAIT_S = 0.2
_ATTEMPTS = 3


class Ray(StackLauncher):
    """A Ray cluster: that at the address, or one of this machine that ends with the command."""

    def execute(
        self,
        jobs: Jobs,
        options: ExecutionOptions,
        display: Display,
        should_stop: Callable[[], str | None],
    ) -> Iterator[RunStatus]:
        """Yield the status of each run after it was trained or skipped.

        Raises UsageError if no cluster can be reached, or its nodes lack this package.
        """
        # what has ended takes no node
        ended, left = _split(jobs.stacks, options)
        yield from execute_matrix(ended, options, display, should_stop)
        if left and not should_stop():
            of_left = replace(jobs, stacks=left, count=min(jobs.count, len(left)))
            with connected(self.argument) as cluster, _cluster_errors(cluster):
                yield from _Driver(cluster, of_left, options, display).execute(should_stop)


@dataclass
class _Task:
    """A stack on a node; ``locks`` hold its runs here where the node cannot lock them."""

    stack: Stack
    locks: ExitStack
    attempt: int = 1
    number: int = 0


class _Driver:
    """Keeps as many tasks as the cluster has room for, shows them, and keeps their records."""

    def __init__(
        self, cluster: Cluster, jobs: Jobs, options: ExecutionOptions, display: Display
    ) -> None:
        self._ray, self._display = cluster.ray, display
        self._results = options.results
        make_writable(options.results)
        self._share = Share.of(cluster, jobs, options)
        self._is_shared = shares_folder(cluster, options.results)
        self._work = _ray_work(cluster, self._share, options, self._is_shared)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(cluster.node, soft=False)
        mailbox = self._ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox)
        self._mailbox = mailbox.remote()
        self._left = list(reversed(jobs.stacks))
        self._running: dict[Any, _Task] = {}
        self._numbers = count()

    def execute(self, should_stop: Callable[[], str | None]) -> Iterator[RunStatus]:
        """Yield the statuses of runs as their tasks end."""
        try:
            yield from self._execute(should_stop)
        finally:
            for task in self._running.values():
                task.locks.close()

    def _execute(self, should_stop: Callable[[], str | None]) -> Iterator[RunStatus]:
        has_stopped = False
        while self._running or (self._left and not has_stopped):
            if not has_stopped and (signal := should_stop()):
                self._stop(signal)
                has_stopped = True
            while self._left and not has_stopped and len(self._running) < self._share.at_once:
                yield from self._begin(_Task(self._left.pop(), ExitStack()))
            yield from self._ended()
            self._show()

    def _stop(self, signal: str) -> None:
        """Ask the workers to stop; cancel the tasks that no node has begun."""
        self._ray.get(self._mailbox.stop.remote(signal))
        begun = self._ray.get(self._mailbox.begun_tasks.remote())
        for reference, task in self._running.items():
            if task.number not in begun:
                self._ray.cancel(reference)

    def _begin(self, task: _Task) -> Iterator[RunStatus]:
        """Start a task of the runs that are free; yield the statuses of the others."""
        if not self._is_shared and task.attempt == 1:
            yield from self._lock(task)
        if not task.stack:
            task.locks.close()
        else:
            before = [] if self._is_shared else [run_files(self._folder(r)) for r in task.stack]
            remote = self._ray.remote(max_retries=0, **self._share.resources(task.stack))
            task.number = next(self._numbers)
            arguments = (task.number, task.stack, before, self._work, self._mailbox)
            self._running[remote(train_on_node).remote(*arguments)] = task

    def _lock(self, task: _Task) -> Iterator[RunStatus]:
        """Lock the runs of a task here; yield the statuses of those that it leaves alone."""
        free = []
        for run in task.stack:
            is_free = task.locks.enter_context(locked(self._folder(run))) is not None
            status = status_of_run(self._folder(run)) if is_free else RunStatus(RUNNING)
            if is_free and (self._work.work.options.force or status.status not in FINAL):
                free.append(run)
                continue
            self._display.skip(run, status)
            yield status
        task.stack = free

    def _ended(self) -> Iterator[RunStatus]:
        """Yield the statuses of tasks that have ended; begin those again whose worker died."""
        ended, _ = self._ray.wait([*self._running], timeout=_WAIT_S) if self._running else ([], [])
        for reference in ended:
            task = self._running.pop(reference)
            try:
                statuses, files = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise _cause(error) from error
            except self._ray.exceptions.TaskCancelledError:
                task.locks.close()
                continue
            except self._ray.exceptions.RayError as error:
                # of a node that is not heard of, nobody knows whether it trains on
                if isinstance(error, self._ray.exceptions.WorkerCrashedError):
                    self._unlock(task.stack)
                yield from self._begin_again(task)
                continue
            if not self._is_shared:
                for run, status, content in zip(task.stack, statuses, files, strict=True):
                    self._keep(run, status, content)
            task.locks.close()
            self._show()
            yield from statuses

    def _keep(self, run: Run, status: RunStatus, files: Mapping[str, bytes]) -> None:
        """Write what came back of a run; a forced one replaces its record only if it is final."""
        if not self._work.work.options.force or status.status in FINAL:
            write_run_files(files, self._folder(run))

    def _begin_again(self, task: _Task) -> Iterator[RunStatus]:
        names = ", ".join(run.slug for run in task.stack)
        if task.attempt == _ATTEMPTS:
            warnings.warn(f"{names}: {_ATTEMPTS} workers died; given up", RecordsWarning, 2)
            task.locks.close()
            yield from (status_of_run(self._folder(run)) for run in task.stack)
            return
        where = "from the last checkpoint" if self._is_shared else "from where it was here"
        warnings.warn(f"{names}: its worker died; it goes on {where}", RecordsWarning, 2)
        yield from self._begin(replace(task, attempt=task.attempt + 1))

    def _unlock(self, stack: Stack) -> None:
        """Free the runs of a worker that is dead."""
        for run in stack:
            record = status_of_run(self._folder(run)).record
            if record is not None and record.sessions[-1].job == self._work.job:
                break_lease(self._folder(run), record.sessions[-1].pid)

    def _folder(self, run: Run) -> Path:
        return folder_of(self._results, run)

    def _show(self) -> None:
        for message in self._ray.get(self._mailbox.take.remote()):
            show_message(self._display, message)


def _split(stacks: Sequence[Stack], options: ExecutionOptions) -> tuple[list[Stack], list[Stack]]:
    """Return the stacks that have ended, and those with updates left."""
    lists: tuple[list[Stack], list[Stack]] = ([], [])
    for stack in stacks:
        is_left = options.force or any(_is_left(run, options) for run in stack)
        lists[is_left].append(stack)
    return lists


def _is_left(run: Run, options: ExecutionOptions) -> bool:
    """Return whether a run has not ended; one whose folder is unusable is refused here."""
    try:
        return status_of_run(folder_of(options.results, run)).status not in FINAL
    except RecordsError:
        return False


@contextmanager
def _cluster_errors(cluster: Cluster) -> Iterator[None]:
    """Raise UsageError where the cluster itself fails."""
    try:
        yield
    except cluster.ray.exceptions.RayError as error:
        text = f"--on ray: the cluster has failed ({first_line(error)}); run the command again"
        raise UsageError(text) from error


def _ray_work(
    cluster: Cluster, share: Share, options: ExecutionOptions, is_shared: bool
) -> RayWork:
    results = options.results.absolute()
    of_worker = replace(options, results=results, jobs=share.at_once)
    includes = {path: path.read_bytes() for path in included_files().values()}
    work = Work(of_worker, share.cpus, tuple(sys.argv))
    return RayWork(work, cluster.job, own_variables(), includes, is_shared)


def _cause(error: Any) -> UrnnBenchError:
    """Return the error of a task; one that is not ours as a sentence."""
    if isinstance(error.cause, UrnnBenchError):
        return error.cause
    reason = f"{type(error.cause).__name__}: {first_line(error.cause)}"
    text = f"--on ray: a worker failed ({reason}); is this version installed on every node?"
    return UsageError(text)
