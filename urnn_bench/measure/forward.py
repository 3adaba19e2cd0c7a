"""Time the forward pass of a recurrence to its last state, without gradients.

The input is white noise. A kernel that returns the last state alone does so; of the others h over
time is made too. Every kernel is first checked against the time loop in float64, on the first
steps. Candidates take turns in one process, as in ``timing``. Other libraries, ``peers``, make all
states of a few of the sequences, as they take one after another: compare steps a second.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import State
from urnn_bench.measure.candidates import Candidate, require_agreement
from urnn_bench.measure.correctness import of_cell
from urnn_bench.measure.forward_check import CHECKED_STEPS, ForwardCheck, noise
from urnn_bench.measure.forward_plan import CellAtShape, Plan
from urnn_bench.measure.peers import fastest, states_of, unavailable_reason
from urnn_bench.measure.timing import interleaved, memory_mb, timer
from urnn_bench.registry import Components

Paces = list[float]
# a peer takes sequences one after another
PEER_SEQUENCES = 8


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
    steps_per_s_low: float | None = None
    steps_per_s_high: float | None = None
    peer_ratio: float | None = None
    peer_ratio_low: float | None = None
    peer_ratio_high: float | None = None
    first_ratio: float | None = None
    first_ratio_low: float | None = None
    first_ratio_high: float | None = None


@dataclass(frozen=True)
class _Pass:
    """A forward pass to time, and one of the first steps alone that fills the caches."""

    cell: CellAtShape
    whole: Candidate
    short: Callable[[], object]
    memory_mb: Callable[[Candidate], float | None] = memory_mb

    def paces(self, seconds: Sequence[float]) -> Paces:
        """Return the steps of all sequences that each round makes in a second."""
        shape = self.cell.shape
        return [shape.steps * shape.batch / s for s in seconds]


def time_forward(
    components: Components,
    plans: Sequence[Plan],
    rounds: int,
    device: str = "cpu",
    peers: Sequence[str] = (),
) -> Iterator[ForwardTiming]:
    """Yield a row for every kernel of every plan, and for every peer, timed in turn.

    Raises GateError if a kernel or a peer does not agree with the time loop in float64, or if a
    kernel's last state alone is not that of its states over time.
    """
    passes = [
        one
        for plan in plans
        for one in of_cell(plan.cell.label, _checked_passes, components, plan, device, peers)
    ]
    # no graph is captured, and a short pass is made before each
    times = interleaved([timer(p.whole.recur, p.whole, p.short) for p in passes], rounds, 0)
    paces = {
        (p.cell.label, p.whole.kernel): p.paces(seconds)
        for p, seconds in zip(passes, times, strict=True)
    }
    first = plans[0].cell.label
    for one, seconds in zip(passes, times, strict=True):
        label, kernel = one.cell.label, one.whole.kernel
        others = {
            "ratio": paces.get((label, "eager")),
            "peer_ratio": paces.get((label, peers[0])) if peers else None,
            "first_ratio": paces.get((first, kernel)) if label != first else None,
        }
        yield _row(one, seconds, others)
    yield from _not_timed(components, plans, device, peers)


def _not_timed(
    components: Components, plans: Sequence[Plan], device: str, peers: Sequence[str]
) -> Iterator[ForwardTiming]:
    for plan in plans:
        built = plan.cell.build(components) if peers else None
        lacking = [(peer, unavailable_reason(built)) for peer in peers if built is not None]
        for name, reason in (*plan.obstacles, *lacking):
            if reason is not None:
                yield ForwardTiming(*_what(plan.cell, name, device), obstacle=reason)


def _checked_passes(
    components: Components, plan: Plan, device: str, peers: Sequence[str]
) -> list[_Pass]:
    """Return the passes of the kernels and peers of a plan, which agree with the time loop."""
    if not plan.kernels and not peers:
        return []
    check = ForwardCheck(components, plan.cell, device)
    built = plan.cell.build(components).to(device)
    shape = plan.cell.shape
    x = noise(shape.steps, shape.batch, plan.cell.inputs, torch.float32).to(device)
    passes = [_of_kernel(plan.cell, built, x, kernel, check) for kernel in plan.kernels]
    able = [] if unavailable_reason(built) else peers
    return passes + [_of_peer(plan.cell, built, x, peer, check) for peer in able]


def _of_kernel(
    cell: CellAtShape, built: Cell, x: Tensor, kernel: str, check: ForwardCheck
) -> _Pass:
    error, device = check.error_of_kernel(kernel), x.device.type
    require_agreement(cell.label, kernel, error)
    choice = choose(built, device, kernel)
    whole = partial(_last_state, built, choice, x)
    implementation = built.kernels.get(kernel)
    threads = 1 if implementation and implementation.own_threads else THREADS.get()
    candidate = Candidate(
        cell.label, kernel, whole, whole, None, None, device, error, torch_threads=threads
    )
    return _Pass(cell, candidate, partial(_last_state, built, choice, x[:CHECKED_STEPS]))


def _of_peer(cell: CellAtShape, built: Cell, x: Tensor, peer: str, check: ForwardCheck) -> _Pass:
    """Return a peer's pass over the first sequences, by the fastest of its ways."""
    batch = min(cell.shape.batch, PEER_SEQUENCES)
    error = check.error_of_states(states_of(peer, check.built, check.x[:, :batch]))
    require_agreement(cell.label, peer, error)
    whole = fastest(peer, built, x[:, :batch], THREADS.get())
    candidate = Candidate(cell.label, peer, whole, whole, None, None, "cpu", error)
    sample = replace(cell, shape=replace(cell.shape, batch=batch))
    # its processes have memory of their own
    return _Pass(sample, candidate, whole, lambda _: None)


@torch.no_grad()
def _last_state(cell: Cell, choice: Choice, x: Tensor) -> State:
    state, weights = cell.initial_state(x.shape[1]), cell.weights()
    if choice.last_state is not None:
        return choice.last_state(x, state, weights)
    return choice.run(x, state, weights)[1]


def _what(cell: CellAtShape, kernel: str, device: str) -> tuple[str, str, str, int, int, int, int]:
    shape = cell.shape
    return (cell.label, kernel, device, shape.steps, shape.batch, shape.hidden, cell.inputs)


def _row(one: _Pass, seconds: list[float], others: Mapping[str, Paces | None]) -> ForwardTiming:
    """Return a row, with the ratios of its paces to others of the same rounds."""
    whole, paces = one.whole, one.paces(seconds)
    ratios = {
        name: [a / b for a, b in zip(paces, other, strict=True)]
        for name, other in others.items()
        if other
    }
    columns: dict[str, Any] = {}
    for name, values in {"steps_per_s": paces, **ratios}.items():
        ends = {f"{name}_low": min(values), f"{name}_high": max(values)}
        columns |= {name: median(values)} | ends
    row = ForwardTiming(
        *_what(one.cell, whole.kernel, whole.device),
        error=whole.error,
        forward_ms=1e3 * median(seconds),
        memory_mb=of_cell(whole.model, one.memory_mb, whole),
    )
    return replace(row, **columns)
