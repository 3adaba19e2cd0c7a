"""What a matrix of runs would do and how long it would take: ``urnn-bench run --dry-run``."""

from collections.abc import Sequence

from urnn_bench.cli.display.messages import title
from urnn_bench.cli.display.output import (
    TableRow,
    counted,
    duration,
    echo_err,
    echo_json,
    echo_rows,
)
from urnn_bench.cli.display.plain import Key, key, skipped
from urnn_bench.errors import ComponentError, RecordsError, attempt
from urnn_bench.records.folder import REFUSED, TO_DO, RunStatus, folder_of, status_of_run
from urnn_bench.records.forced import status_of_forced
from urnn_bench.records.record import FINAL
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.scheduler import check, refusal
from urnn_bench.run.stacks import seconds_per_update
from urnn_bench.spec.run import Run

_Stack = Sequence[Run]
# benchmark, model, length, and the number of runs that are trained
_Timed = tuple[str, str, int, int]


def preview(stacks: Sequence[_Stack], options: ExecutionOptions, jobs: int, json: bool) -> None:
    """Show every run, its stack, its state, and the time of its updates, measured here.

    ``jobs`` is the number of processes that would share them. Raises ComponentError if there are
    runs that cannot be built, after showing the others.
    """
    reasons = _reasons_not_to_start([run for stack in stacks for run in stack], options)
    paces: dict[_Timed, float | None] = {}
    has_stacks = len(stacks) < sum(map(len, stacks))
    rows: list[TableRow] = []
    total_s = 0.0
    for number, stack in enumerate(stacks, 1):
        statuses = [_status(run, options) for run in stack]
        remaining = [
            0 if key(run) in reasons else _remaining(run, status, options)
            for run, status in zip(stack, statuses, strict=True)
        ]
        pace_s = _pace(
            [r for r, left in zip(stack, remaining, strict=True) if left], paces, options
        )
        for run, status, updates in zip(stack, statuses, remaining, strict=True):
            is_known = pace_s is not None and key(run) not in reasons
            train_s = round(updates * (pace_s or 0.0), 1) if is_known else None
            total_s += train_s or 0.0
            row = _row(run, train_s, status)
            rows.append({**row, "stack": number} if has_stacks else row)
    if json:
        echo_json(rows)
    else:
        echo_rows(rows)
        in_stacks = f" in {counted(len(stacks), 'stack')}" if has_stacks else ""
        cost = f"about {duration(total_s)} of training (measured), without evaluation"
        shared = f"; {jobs} processes would share it" if jobs > 1 else ""
        echo_err(f"runs: {len(rows)}{in_stacks}, {cost}{shared}")
    _raise_last([*reasons.values()])


def _reasons_not_to_start(runs: _Stack, options: ExecutionOptions) -> dict[Key, str]:
    """Return, for the runs that cannot be built, their names and why."""
    pairs = zip(runs, check(runs, options), strict=True)
    return {key(run): f"{title(run)}: {error}" for run, error in pairs if error}


def _raise_last(reasons: Sequence[str]) -> None:
    for reason in reasons[:-1]:
        echo_err(reason)
    if reasons:
        raise ComponentError(reasons[-1])


def _remaining(run: Run, status: RunStatus, options: ExecutionOptions) -> int:
    """Return the number of updates that a run still has to make."""
    if status.status == REFUSED:
        return 0
    if options.force:
        forced = status_of_forced(folder_of(options.results, run))
        return run.updates - (forced.step if forced else 0)
    return 0 if status.status in FINAL else run.updates - status.step


def _status(run: Run, options: ExecutionOptions) -> RunStatus:
    """Return a run's status; report why one would be refused."""
    if error := refusal(run, options):
        status = RunStatus(REFUSED, reason=str(error))
        echo_err(skipped(run, status))
        return status
    try:
        return status_of_run(folder_of(options.results, run))
    except RecordsError:
        # not refused, so it will be replaced
        return RunStatus(TO_DO)


def _pace(
    stack: _Stack, paces: dict[_Timed, float | None], options: ExecutionOptions
) -> float | None:
    """Return the seconds of a run's update in a stack, measured once for stacks that are alike."""
    if not stack:
        return 0.0
    timed = (stack[0].benchmark, stack[0].label, stack[0].T, len(stack))
    if timed not in paces:
        paces[timed] = _seconds_per_update(stack, options)
    return paces[timed]


def _row(run: Run, train_s: float | None, status: RunStatus) -> TableRow:
    return {
        "benchmark": run.benchmark,
        "model": run.label,
        "T": run.T,
        "seed": run.seed,
        "hidden": run.hidden,
        "updates": run.updates,
        "state": status.status,
        "train_s": train_s,
        "run": run.slug,
    }


def _seconds_per_update(stack: _Stack, options: ExecutionOptions) -> float | None:
    """Measure an update; return None, with a warning, if the cell or task cannot do one."""
    seconds = attempt(seconds_per_update, stack, options)
    if isinstance(seconds, Exception):
        echo_err(f"{stack[0].slug}: cannot be timed: {type(seconds).__name__}: {seconds}")
        return None
    return seconds
