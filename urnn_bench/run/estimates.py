"""Rough guesses at what a run takes, from its sizes alone; no component is built for them.

Both were fitted to the committed records of two-core machines, of every model and kernel. They
order runs and leave room for them; ``run --dry-run`` measures.
"""

from collections.abc import Sequence
from pathlib import Path

from urnn_bench.errors import RecordsError
from urnn_bench.records.folder import check_name, folder_of, status_of_run
from urnn_bench.records.record import FINAL
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.unresolved import UnresolvedRun

# nine records of ten are within a factor of ten
_UPDATE_S, _STEP_S = 5e-3, 8e-5
# Python, torch and data; and how many times the states of a batch are held. Nine records of ten
# took less than one and a half times that
_PROCESS_BYTES, _STATES_HELD = 1_200_000_000, 60
_BYTES = {"float32": 4, "float64": 8}


def expected_s(stack: Sequence[Run], results: Path, *, force: bool = False) -> float:
    """Return about how many seconds of training the runs of a stack still need."""
    return sum(_run_s(run, 0 if force else _steps_done(results, run)) for run in stack)


def expected_from_start_s(run: UnresolvedRun) -> float:
    """Return about how many seconds of training a run takes, before its model is built."""
    earlier = [(stage.task.T, stage.fit) for stage in run.stages[:-1]]
    return sum(_fit_s(T, fit) for T, fit in (*earlier, (run.T, run.fit)))


def _fit_s(T: int, fit: Fit) -> float:
    return fit.steps * (_UPDATE_S + T * _STEP_S)


def expected_bytes(stack: Sequence[Run]) -> int:
    """Return about how much memory a process takes that trains a stack, in bytes."""
    return _PROCESS_BYTES + _STATES_HELD * sum(max(map(_states, run.parts)) for run in stack)


def _run_s(run: Run, done: int) -> float:
    return (run.updates - done) * (_UPDATE_S + run.T * _STEP_S)


def _states(run: Run) -> int:
    """Return the bytes of the hidden states of a batch over time."""
    return run.T * run.fit.batch * run.hidden * _BYTES[run.fit.dtype]


def _steps_done(results: Path, run: Run) -> int:
    folder = folder_of(results, run)
    try:
        check_name(folder)
        status = status_of_run(folder)
    except RecordsError:
        # it is refused when its turn comes
        return run.updates
    return run.updates if status.status in FINAL else status.step
