"""Time the forward pass of a recurrence to its last state, without gradients.

The input is white noise. A kernel that returns the last state alone does so; of the others h over
time is made too. Every kernel is first checked against the time loop in float64, on the first
steps. Candidates take turns in one process, as in ``timing``.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.measure.candidates import Candidate, require_agreement
from urnn_bench.measure.correctness import of_cell
from urnn_bench.measure.forward_check import CHECKED_STEPS, forward_error, noise
from urnn_bench.measure.forward_plan import CellAtShape, Plan
from urnn_bench.measure.timing import interleaved, memory_mb, timer
from urnn_bench.registry import Components


@dataclass(frozen=True)
class ForwardTiming:
    """A model with a kernel at a shape; times are medians of forward passes."""

    model: str
    kernel: str
    device: str
    steps: int
    batch: int
    hidden: int
    inputs: int
    error: float | None = None
    forward_ms: float | None = None
    steps_per_s: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    memory_mb: float | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class _Pass:
    """A forward pass to time, and one of the first steps alone that fills the caches."""

    cell: CellAtShape
    whole: Candidate
    short: Callable[[], State]


def time_forward(
    components: Components, plans: Sequence[Plan], rounds: int, device: str = "cpu"
) -> Iterator[ForwardTiming]:
    """Yield a row for every kernel of every plan, timed in turn.

    Raises GateError if a kernel does not agree with the time loop in float64, or if its last state
    alone is not that of its states over time.
    """
    passes = [
        of_cell(plan.cell.label, _checked_pass, components, plan.cell, kernel, device)
        for plan in plans
        for kernel in plan.kernels
    ]
    # no graph is captured, and a short pass is made before each
    times = interleaved([timer(p.whole.recur, p.whole, p.short) for p in passes], rounds, 0)
    eager = {p.cell.label: t for p, t in zip(passes, times, strict=True) if _is_loop(p)}
    for one, seconds in zip(passes, times, strict=True):
        yield _row(one, seconds, eager.get(one.cell.label))
    for plan in plans:
        for kernel, reason in plan.obstacles:
            yield ForwardTiming(*_what(plan.cell, kernel, device), obstacle=reason)


def _checked_pass(components: Components, cell: CellAtShape, kernel: str, device: str) -> _Pass:
    """Return a pass of a kernel that agrees with the time loop."""
    error = forward_error(components, cell, kernel, device)
    require_agreement(cell.label, kernel, error)
    built = cell.build(components).to(device)
    choice = choose(built, device, kernel)
    shape = cell.shape
    x = noise(shape.steps, shape.batch, cell.inputs, torch.float32).to(device)
    whole = partial(_last_state, built, choice, x)
    implementation = built.kernels.get(kernel)
    threads = 1 if implementation and implementation.own_threads else THREADS.get()
    candidate = Candidate(
        cell.label, kernel, whole, whole, None, None, device, error, torch_threads=threads
    )
    return _Pass(cell, candidate, partial(_last_state, built, choice, x[:CHECKED_STEPS]))


@torch.no_grad()
def _last_state(cell: Cell, choice: Choice, x: Tensor) -> State:
    state, weights = cell.initial_state(x.shape[1]), cell.weights()
    if choice.last_state is not None:
        return choice.last_state(x, state, weights)
    return choice.run(x, state, weights)[1]


def _is_loop(one: _Pass) -> bool:
    return one.whole.kernel == "eager"


def _what(cell: CellAtShape, kernel: str, device: str) -> tuple[str, str, str, int, int, int, int]:
    shape = cell.shape
    return (cell.label, kernel, device, shape.steps, shape.batch, shape.hidden, cell.inputs)


def _row(one: _Pass, seconds: list[float], eager: list[float] | None) -> ForwardTiming:
    whole, shape, forward_s = one.whole, one.cell.shape, median(seconds)
    ratios = sorted(a / b for a, b in zip(eager, seconds, strict=True)) if eager else None
    return ForwardTiming(
        *_what(one.cell, whole.kernel, whole.device),
        error=whole.error,
        forward_ms=1e3 * forward_s,
        steps_per_s=shape.steps * shape.batch / forward_s,
        ratio=median(ratios) if ratios else None,
        ratio_low=ratios[0] if ratios else None,
        ratio_high=ratios[-1] if ratios else None,
        memory_mb=of_cell(whole.model, memory_mb, whole),
    )
