"""What a matrix of runs would do and how long it would take: ``urnn-bench run --dry-run``."""

from collections.abc import Sequence
from typing import Any

from urnn_bench.cli.display.output import duration, echo_err, echo_json, echo_table
from urnn_bench.records.folder import folder_of, status_of_run
from urnn_bench.records.record import FINAL
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.stacks import seconds_per_update
from urnn_bench.spec.run import Run

_Stack = Sequence[Run]


def preview(stacks: Sequence[_Stack], conditions: ExecutionOptions, json: bool) -> None:
    """Show every run, its stack, its state, and how long its updates would take, measured here."""
    paces: dict[Any, float | None] = {}
    rows: list[dict[str, Any]] = []
    for number, stack in enumerate(stacks, 1):
        left = {run.slug: _left(run, conditions) for run in stack}
        going = [run for run in stack if left[run.slug]]
        pace = *((run.benchmark, run.label, run.T) for run in going[:1]), len(going)
        if going and pace not in paces:
            paces[pace] = _seconds_per_update(going, conditions)
        for run in stack:
            row = _row(run, conditions)
            row["train_s"] = _product(left[run.slug], paces.get(pace, 0.0))
            rows.append({**row, "stack": number} if len(stacks) < _runs(stacks) else row)
    if json:
        echo_json(rows)
        return
    echo_table(list(rows[0]), [list(row.values()) for row in rows])
    total = sum(row["train_s"] or 0.0 for row in rows)
    together = (
        f" in {len(stacks)} stack{'s' * (len(stacks) > 1)}" if len(stacks) < len(rows) else ""
    )
    cost = f"about {duration(total)} of training (measured), evaluation apart"
    echo_err(f"runs: {len(rows)}{together}, {cost}")


def _runs(stacks: Sequence[_Stack]) -> int:
    return sum(map(len, stacks))


def _left(run: Run, conditions: ExecutionOptions) -> int:
    """Return the updates that a run has still to make."""
    state = status_of_run(folder_of(conditions.results, run))
    done = state.status in FINAL and not conditions.force
    return 0 if done else run.fit.steps - state.step


def _row(run: Run, conditions: ExecutionOptions) -> dict[str, Any]:
    return {
        "benchmark": run.benchmark,
        "model": run.label,
        "T": run.T,
        "seed": run.seed,
        "hidden": run.hidden,
        "updates": run.fit.steps,
        "state": status_of_run(folder_of(conditions.results, run)).status,
        "train_s": None,
        "run": run.slug,
    }


def _seconds_per_update(stack: _Stack, conditions: ExecutionOptions) -> float | None:
    """Measure a run's pace; None, said in a warning, if its cell or task cannot do an update."""
    try:
        return seconds_per_update(stack, conditions)
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        echo_err(f"{stack[0].slug}: cannot be timed: {type(error).__name__}: {error}")
        return None


def _product(updates: int, pace_s: float | None) -> float | None:
    return None if pace_s is None else round(updates * pace_s, 1)
