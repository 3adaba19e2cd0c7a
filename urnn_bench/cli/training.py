"""Train the runs of a matrix, for ``run`` and for ``verify --run``."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from urnn_bench.cli.display.output import echo_err
from urnn_bench.cli.display.plain import JsonDisplay, MultiDisplay, PlainDisplay, QuietDisplay
from urnn_bench.cli.display.progress import LiveDisplay
from urnn_bench.cli.reporting import Reporting
from urnn_bench.cli.signals import stoppable
from urnn_bench.errors import RecordsError
from urnn_bench.launchers.base import StackLauncher
from urnn_bench.proposals import plot, same_command
from urnn_bench.records.folder import REFUSED, RunStatus
from urnn_bench.records.record import FINAL, GOOD
from urnn_bench.run.context import Display, ExecutionOptions
from urnn_bench.run.device import configure_torch
from urnn_bench.run.job_count import Concurrency, jobs_elsewhere, jobs_of
from urnn_bench.run.matrix import Matrix
from urnn_bench.run.parallel import execute_jobs
from urnn_bench.run.scheduler import check
from urnn_bench.run.stacks import stacks
from urnn_bench.spec.run import Run

_LOG = logging.getLogger("urnn_bench")
_SOME_FAILED = 3
# so many that checking them takes seconds
_MANY = 10_000


def prepare_runs(
    requested: Matrix,
    options: ExecutionOptions,
    threads: int | None = None,
    stacked: bool | None = None,
) -> list[tuple[Run, ...]]:
    """Return the runs in stacks, after checking that each can start and setting the threads."""
    if (count := len(requested.runs)) >= _MANY:
        _LOG.info("checking %s runs", f"{count:,}")
    check(requested.runs, options)
    configure_torch(threads)
    return _stacks(requested, stacked, options)


def train_runs(
    runs_in_stacks: Sequence[Sequence[Run]],
    options: ExecutionOptions,
    reporting: Reporting,
    concurrency: Concurrency | None = None,
    launcher: StackLauncher | None = None,
) -> int:
    """Train the runs of every stack, here or elsewhere; return the exit code of the command.

    Raises UsageError for more processes than fit in memory, or a launcher that cannot be used.
    """
    count = jobs_of if launcher is None else jobs_elsewhere
    execute = execute_jobs if launcher is None else launcher.execute
    jobs = count(runs_in_stacks, options, concurrency or Concurrency())
    runs = [run for stack in runs_in_stacks for run in stack]
    with stoppable() as stop, ExitStack() as resources:
        json = JsonDisplay()
        display = _display(resources, runs, reporting, json, options.command_again)
        states = list(execute(jobs, options, display, stop))
    if not reporting.quiet:
        _report_summary(runs, states, options)
    json.check()
    return stop.exit_code or _exit_code(states)


def _stacks(
    requested: Matrix, stacked: bool | None, options: ExecutionOptions
) -> list[tuple[Run, ...]]:
    """Return the runs in stacks: of one run each, unless stacks are requested."""
    benchmarks = requested.together
    if stacked is not None:
        benchmarks = frozenset(run.benchmark for run in requested.runs if stacked)
    if not benchmarks:
        return [(run,) for run in requested.runs]
    single_runs = [(run,) for run in requested.runs if run.benchmark not in benchmarks]
    stackable_runs = [run for run in requested.runs if run.benchmark in benchmarks]
    return [*single_runs, *stacks(options.components, options.backend, stackable_runs)]


def _display(
    resources: ExitStack,
    runs: Sequence[Run],
    reporting: Reporting,
    json: JsonDisplay,
    command_again: Callable[[Run], str],
) -> Display:
    """Return bars for a terminal, else lines; and JSON on stdout if requested."""
    display: Display
    if reporting.quiet:
        display = QuietDisplay()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        display = resources.enter_context(LiveDisplay(runs, reporting.verbose, command_again))
    else:
        display = resources.enter_context(PlainDisplay(reporting.verbose, command_again))
    return MultiDisplay([display, json]) if reporting.json else display


def _report_summary(
    runs: Sequence[Run], states: Sequence[RunStatus], options: ExecutionOptions
) -> None:
    """Report how many runs ended in which state, and the command that draws them, if any did."""
    if states and all(state.status == REFUSED for state in states):
        return
    counts = Counter(state.status for state in states)
    if not_started := len(runs) - len(states):
        counts["not started"] = not_started
    echo_err(", ".join(f"{count} {status}" for status, count in counts.items()))
    unfinished = [state for state in states if state.status not in (*FINAL, "running", REFUSED)]
    if options.force and unfinished:
        echo_err("a forced run replaces its record once it is done")
    if unfinished or not_started:
        echo_err(f"to go on: {same_command()}")
    for name in dict.fromkeys(run.benchmark for run in runs):
        echo_err(f"to plot them: {plot(options.command, name)}")


def _exit_code(states: Sequence[RunStatus]) -> int:
    """Return 2 if a run was refused, 3 if one has ended badly, now or before."""
    if any(state.status == REFUSED for state in states):
        return RecordsError.exit_code
    succeeded = all(state.status in (*GOOD, "running") for state in states)
    return 0 if succeeded else _SOME_FAILED
