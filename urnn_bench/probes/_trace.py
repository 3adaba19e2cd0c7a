"""A recurrence written out step by step in float64: every state, and the loss's gradient to it.

T steps, B batch, H hidden width.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.errors import attempt
from urnn_bench.kernels.time_loop import State, Weights, iterate_states
from urnn_bench.models import SequenceModel
from urnn_bench.probes._twin import twins
from urnn_bench.random_streams import seeded
from urnn_bench.tasks.base import Batch, Task


@dataclass(frozen=True)
class Trace:
    """The memory of a batch over time and its gradients, each state (T, B, H) by its name.

    A state with more axes is flattened after B. ``others`` are the states that are no memory, such
    as a clock, each (T, B, ...) by its position among those of the cell.

    A gradient is the total derivative of each example's own loss with respect to that state,
    through everything that comes later, so it does not depend on the size of the batch. For a
    complex state it is dC/dRe + i dC/dIm, whose norm is that over real and imaginary parts.

    ``weights_gradient`` returns the gradient of the loss to all trained parameters as one vector,
    computed in a precision at the weights and the batch that float32 has.

    ``output`` is what ``task`` scores, (T, B, O), or (B, O) of the last step alone, for ``batch``.
    """

    cell: Cell
    weights: Weights
    x: Tensor
    initial: State
    states: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]
    weights_gradient: Callable[[torch.dtype], Tensor]
    others: Mapping[int, Tensor] = field(default_factory=dict)
    output: Tensor = field(default_factory=lambda: torch.empty(0))
    batch: Batch = field(default_factory=lambda: Batch(torch.empty(0), torch.empty(0)))
    task: Task | None = None

    def memory_of(self, state: State) -> State:
        """Return those states of a cell that are memory, each (B, H)."""
        return tuple(as_vectors(s) for i, s in enumerate(state) if i not in self.others)

    def state_before(self, step: int, memory: State) -> State:
        """Return a cell's state before a step, counted from 0, with ``memory`` (B, H) in it.

        Its other states are as they were, and all have the shapes that the cell gave them.
        """
        others = {i: s[step - 1] if step else self.initial[i] for i, s in self.others.items()}
        rest = iter(memory)
        return tuple(
            others[i] if i in others else next(rest).to(first.dtype).view_as(first)
            for i, first in enumerate(self.initial)
        )


def trace(model: SequenceModel, task: Task, batch: Batch) -> Trace:
    """Run ``batch`` through a float64 copy of ``model`` on the CPU by the time loop.

    The copy is in evaluation mode, as it is while scores are taken. Raises ValueError for a cell
    that computes in another precision, and what the cell raises.
    """
    outcomes = []
    for make in twins(model):
        traced = attempt(_trace, make, task, batch)
        if not isinstance(traced, Exception):
            return traced
        outcomes.append(traced)
    # of the two copies, the first is the network as it was trained
    raise outcomes[0]


def _trace(make: Callable[[], SequenceModel], task: Task, batch: Batch) -> Trace:
    """Return the trace of a float64 network.

    One call of autograd takes the derivative with respect to all states. Zeros added to a state
    after its step, with the gradient read off them, would miss what the same step has already
    computed from it: an LSTM's h from its c.
    """
    twin, batch = make(), batch.to(torch.device("cpu"), torch.float64)
    with torch.enable_grad():
        weights, x = twin.cell.weights(), twin.encode(batch.x)
        initial = tuple(_exact(s.detach()) for s in twin.cell.initial_state(x.shape[1]))
        # with a gradient, so that the states have one even if no parameter is trained
        first = tuple(s.clone().requires_grad_(is_real_or_complex(s)) for s in initial)
        steps = list(iterate_states(twin.cell, x, first, weights))
        _check([state.name for state in twin.cell.states], steps[-1])
        memory = {i: state.name for i, state in enumerate(twin.cell.states) if state.memory}
        output = _output(twin, steps, batch.lengths)
        loss = task.loss(output, batch)
        flat = [step[i] for step in steps for i in memory]
        grads = _gradients(loss, flat)
    names, size = tuple(memory.values()), x.shape[1]
    # the loss is a mean over the batch: times its size, it is each example's own
    return Trace(
        twin.cell,
        weights,
        x,
        initial,
        {n: _over_time(flat[i :: len(names)]).detach() for i, n in enumerate(names)},
        {n: size * _over_time(grads[i :: len(names)]) for i, n in enumerate(names)},
        partial(_weights_gradient, make, task, batch),
        {
            i: torch.stack([step[i].detach() for step in steps])
            for i in range(len(initial))
            if i not in memory
        },
        output.detach(),
        batch,
        task,
    )


def _over_time(states: Sequence[Tensor]) -> Tensor:
    """Return a state over time, (T, B, H)."""
    return torch.stack([as_vectors(state) for state in states])


def as_vectors(state: Tensor) -> Tensor:
    """Return a state as (B, H), such as one with a matrix for every sequence; bits as 0 and 1."""
    state = state.long() if state.dtype == torch.bool else state
    return state.reshape(len(state), -1)


def _weights_gradient(
    make: Callable[[], SequenceModel], task: Task, batch: Batch, dtype: torch.dtype
) -> Tensor:
    cpu = torch.device("cpu")
    # rounded first, so that only the computation differs
    network, batch = make().to(torch.float32).to(dtype), batch.to(cpu, torch.float32)
    batch = batch.to(cpu, dtype)
    trained = [p for p in network.parameters() if p.requires_grad]
    with torch.enable_grad(), seeded(0, "weights gradient"):
        weights, x = network.cell.weights(), network.encode(batch.x)
        first = network.cell.initial_state(x.shape[1])
        steps = list(iterate_states(network.cell, x, first, weights))
        loss = task.loss(_output(network, steps, batch.lengths), batch)
        grads = torch.autograd.grad(loss, trained, allow_unused=True, materialize_grads=True)
    return torch.cat([_real(grad).flatten() for grad in grads])


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _gradients(loss: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return the derivative with respect to every state; of a counter, and of no use, it is 0."""
    with_gradient = [s for s in states if s.requires_grad]
    # unused: the last c of a cell whose readout sees h alone, for one
    found = torch.autograd.grad(loss, with_gradient, allow_unused=True) if with_gradient else ()
    by_state = {id(s): g for s, g in zip(with_gradient, found, strict=True) if g is not None}
    return [by_state.get(id(s), torch.zeros_like(_exact(s))) for s in states]


def is_real_or_complex(state: Tensor) -> bool:
    """Return whether a state can have a gradient; one that counts steps cannot."""
    return state.is_floating_point() or state.is_complex()


def _exact(state: Tensor) -> Tensor:
    """Return a state in double precision; whole numbers stay as they are."""
    if state.is_complex():
        return state.to(torch.complex128)
    return state.to(torch.float64) if state.is_floating_point() else state


def _check(names: Sequence[str], state: State) -> None:
    """Raise ValueError unless a state has names and double precision."""
    if len(names) != len(state):
        raise ValueError(f"the cell has {len(state)} states and {len(names)} `state_names`")
    for name, s in zip(names, state, strict=True):
        if s.dtype != _exact(s).dtype:
            kind = str(s.dtype).removeprefix("torch.")
            raise ValueError(
                f"the state '{name}' is {kind} in a network of float64; a cell must keep the "
                "precision of its weights"
            )


def _output(model: SequenceModel, steps: list[State], lengths: Tensor | None) -> Tensor:
    return model.output(torch.stack([step[0] for step in steps]), steps[-1], lengths)


def norms(states: Tensor) -> Tensor:
    """Return the 2-norm of every example's state, (T, B, H) to (T, B), in float64."""
    states = states if is_real_or_complex(states) else states.double()
    size: Tensor = torch.linalg.vector_norm(states, dim=-1)
    return size
