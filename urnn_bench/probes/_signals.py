"""A cell that is run on signals of a probe's own, and all its states as features of a readout.

T steps, B batch, F input features, R features of all states.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import State, iterate_states
from urnn_bench.probes._trace import Trace, as_vectors


@torch.no_grad()
def states_over_time(trace: Trace, signals: Tensor) -> Iterator[State]:
    """Yield the memory after each step of the signals (T, B), each state (B, H)."""
    first = trace.cell.initial_state(signals.shape[1])
    x = inputs(trace.cell, signals)
    for state in iterate_states(trace.cell, x, first, trace.weights):
        yield trace.memory_of(state)


def inputs(cell: Cell, signals: Tensor) -> Tensor:
    """Return x (T, B, F) with a signal in its first number, or after the time of each sample."""
    x = signals.new_zeros(*signals.shape, cell.inputs)
    has_times = cell.parts[0].first_input_is_time
    x[..., int(has_times)] = signals
    if has_times:
        x[..., 0] = torch.arange(len(x))[:, None]
    return x


def side_by_side(memory: State) -> Tensor:
    """Return all states side by side as real features (B, R)."""
    parts = [torch.view_as_real(s) if s.is_complex() else s.double() for s in memory]
    return torch.cat([as_vectors(part) for part in parts], -1)


def padded(curve: Tensor, steps: int) -> Tensor:
    """Return a curve with nan behind it, (T)."""
    return torch.cat([curve, curve.new_full((steps - len(curve),), torch.nan)])
