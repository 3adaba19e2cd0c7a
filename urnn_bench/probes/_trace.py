"""A recurrence written out step by step in float64: every state, and the loss's gradient to it.

T steps, B batch, H hidden width.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import State, Weights, iterate_states
from urnn_bench.models import SequenceModel
from urnn_bench.tasks.base import Batch, Targets, Task


@dataclass(frozen=True)
class Trace:
    """All states of a batch and their gradients, each (T, B, H) by the state's name.

    A gradient is the total derivative of each example's own loss with respect to that state,
    through everything that comes later, so it does not depend on the size of the batch. For a
    complex state it is dC/dRe + i dC/dIm, whose norm is that over real and imaginary parts.
    """

    cell: Cell
    weights: Weights
    x: Tensor
    initial: State
    states: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]


def trace(model: SequenceModel, task: Task, batch: Batch) -> Trace:
    """Run ``batch`` through a float64 copy of ``model`` on the CPU by the time loop.

    One call of autograd takes the derivative with respect to all states. Zeros added to a state
    after its step, with the gradient read off them, would miss what the same step has already
    computed from it: an LSTM's h from its c.
    """
    twin = deepcopy(model).to("cpu", torch.float64)
    batch = batch.to(torch.device("cpu"), torch.float64)
    with torch.enable_grad():
        weights, x = twin.cell.weights(), twin.encode(batch.x)
        initial = tuple(s.detach() for s in twin.cell.initial_state(x.shape[1]))
        # with a gradient, so that the states have one even if no parameter is trained
        first = tuple(s.clone().requires_grad_() for s in initial)
        steps = list(iterate_states(twin.cell, x, first, weights))
        loss = task.loss(_output(twin, steps), batch)
        flat = [state for step in steps for state in step]
        # unused: the last c of a cell whose readout sees h alone, for one
        derivatives = torch.autograd.grad(loss, flat, allow_unused=True)
    names, size = twin.cell.state_names, x.shape[1]
    pairs = zip(flat, derivatives, strict=True)
    grads = [torch.zeros_like(s) if g is None else g for s, g in pairs]
    # the loss is a mean over the batch: times its size, it is each example's own
    return Trace(
        twin.cell,
        weights,
        x,
        initial,
        {n: torch.stack(flat[i :: len(names)]).detach() for i, n in enumerate(names)},
        {n: size * torch.stack(grads[i :: len(names)]) for i, n in enumerate(names)},
    )


def _output(model: SequenceModel, steps: list[State]) -> Tensor:
    if model.signature.targets is Targets.LAST_STEP:
        return model.predict(steps[-1][0])
    return model.predict(torch.stack([step[0] for step in steps]))


def norms(states: Tensor) -> Tensor:
    """Return the 2-norm of every example's state, (T, B, H) to (T, B), in float64."""
    size: Tensor = torch.linalg.vector_norm(states, dim=-1)
    return size
