"""Encoder, cell, pool and readout as one network.

T steps, B batch, F input features, H hidden width, R readable features, O outputs.
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from urnn_bench.cells.base import Cell, input_check_of
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.choose import Choice
from urnn_bench.kernels.padding import without_padding
from urnn_bench.kernels.time_loop import State, Weights
from urnn_bench.pooling import Ends, Pool, ends_in_last_state, ends_over_time
from urnn_bench.readouts.base import Readout
from urnn_bench.tasks.base import Signature, Tokens, is_static

Tree = TypeVar("Tree")


class SequenceModel(nn.Module):
    """A cell that reads one-hot tokens or real vectors, and a readout of its pooled features."""

    def __init__(
        self, cell: Cell, signature: Signature, kernel: Choice, pool: Pool, readout: Readout
    ) -> None:
        super().__init__()
        self.cell, self.signature, self.kernel = cell, signature, kernel
        self.pool, self.readout = pool, readout
        self.input_check = input_check_of(cell)
        self.ends: Ends = ends_over_time if kernel.padded is None else ends_in_last_state
        readout.linear = kernel.linear

    def forward(
        self, x: Tensor, state: State = (), lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return (T, B, O), or (B, O) if the task scores the last step alone, and the last state.

        Another call can continue from that state; without one, a sequence starts from h_0. The
        last step is that of ``lengths`` (B), if they are given, and the last state that of T. In
        evaluation the last steps read outputs if the task says so.
        """
        if self.signature.feedback_steps and not self.training:
            return self._with_feedback(x, state)
        hs, last = self._states_to_pool(x, state, lengths)
        return self.output(hs, last, lengths), last

    def _with_feedback(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the same where the last steps read the output of the step before, not x.

        Raises ComponentError if no step is left that reads x.
        """
        given = len(x) - self.signature.feedback_steps
        if given < 1:
            raise ComponentError(
                f"the task asks for {self.signature.feedback_steps} feedback steps of a sequence "
                f"of {len(x)}, and the first step reads an input; take longer sequences"
            )
        # once and not in every step, as it may be a matrix exponential
        weights = self.cell.weights()
        outputs, state = self._outputs(x[:given], self.initial_state(x, state), weights)
        parts = [outputs]
        for _ in range(self.signature.feedback_steps):
            outputs, state = self._outputs(outputs[-1:], state, weights)
            parts.append(outputs)
        return torch.cat(parts), state

    def _outputs(self, x: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        """Return the outputs (T, B, O) of inputs (T, B, O) and the last state."""
        hs, last = self.kernel.run(x, state, weights)
        return self.output(hs, last), last

    def features(
        self, x: Tensor, state: State = (), lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return what the readout sees, pooled, and the last state."""
        hs, last = self._states_to_pool(x, state, lengths)
        return self.pooled(hs, last, lengths), last

    def states(
        self, x: Tensor, state: State, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return h over time (T, B, H) and the last state."""
        initial = self.initial_state(x, state)
        if lengths is None or self.kernel.padded is None:
            return self.kernel.run(self.encode(x), initial, self.cell.weights())
        x = without_padding(self.encode(x), lengths)
        return self.kernel.padded(x, initial, self.cell.weights(), lengths)

    def _states_to_pool(
        self, x: Tensor, state: State, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """Return the last state, and h over time or, where the pool reads no other, the last h."""
        last_state = self.kernel.last_state if self.pool.reads_last_alone else None
        if last_state is None or lengths is not None:
            return self.states(x, state, lengths)
        last = last_state(self.encode(x), self.initial_state(x, state), self.cell.weights())
        return last[0].unsqueeze(0), last

    def initial_state(self, x: Tensor, state: State) -> State:
        """Return the state before the first step: ``state`` if it is not empty, else h_0."""
        return state or self.cell.initial_state(x.shape[1])

    def output(self, hs: Tensor, last: State, lengths: Tensor | None = None) -> Tensor:
        """Return the output that the task scores, of h over time and the last state."""
        outputs: Tensor = self.readout(self.pooled(hs, last, lengths))
        return outputs

    def pooled(self, hs: Tensor, last: State, lengths: Tensor | None = None) -> Tensor:
        """Return the features that the readout sees, of h over time and the last state.

        Raises ComponentError for lengths of a network that would read what comes after them.
        """
        reason = "" if lengths is None else self._reads_padding()
        if reason:
            raise ComponentError(
                "sequences of different lengths are padded, which this network reads: "
                f"{reason}; choose another one"
            )
        return self.pool.apply(self.cell.readout_features, hs, last[0], lengths, self.ends)

    def _reads_padding(self) -> str:
        """Return why an output depends on steps after the end of a sequence, if it does."""
        if not self.cell.causal and self.kernel.padded is None:
            return self.cell.time_loop_refusal
        if self.pool.keeps_steps and self.readout.averages:
            return "the readout's batch normalisation takes its means over all time steps"
        return ""

    def encode(self, x: Tensor) -> Tensor:
        """Return the input of the cell, (T, B, F): tokens (T, B) become one-hot (T, B, V)."""
        if not isinstance(self.signature.inputs, Tokens):
            return x
        like, vocabulary = next(self.readout.parameters()), self.signature.inputs.vocabulary
        # not one_hot, which checks the tokens first: the host would wait for the GPU
        return like.new_zeros(*x.shape, vocabulary).scatter_(-1, x.unsqueeze(-1), 1)

    def predict(self, h: Tensor) -> Tensor:
        """Return the readout of h as it is, not pooled: (..., H) to (..., O)."""
        outputs: Tensor = self.readout(self.cell.readout_features(h))
        return outputs


def stacked_forward(
    models: Sequence[SequenceModel],
    xs: Sequence[Tensor],
    states: Sequence[State],
    lengths: Sequence[Tensor | None],
) -> list[tuple[Tensor, State]]:
    """Return each model's output for its own x, state and lengths, computed as one stack.

    The models differ in their weights only, and the inputs in their content.
    """
    ends = _stacked_lengths(lengths)
    hs, last = _run_stack(models[0], _stacked_arguments(models, xs, states), ends)
    lasts = [tuple(s[m] for s in last) for m in range(len(models))]
    # the readouts one by one, as each is a large product already and may be a kernel's own
    outputs = zip(models, hs.unbind(0), lasts, lengths, strict=True)
    return [(model.output(h, state, own), state) for model, h, state, own in outputs]


@torch.no_grad()
def steps_are_independent(
    models: Sequence[SequenceModel], xs: Sequence[Tensor], states: Sequence[State]
) -> bool:
    """Return whether a step reads its arguments alone, so that models can be stacked.

    The first model's cell takes the steps of all models. So its own parameters and buffers are
    filled with NaN, after the weights have been made of them: nothing must change.
    """
    arguments, cell = _stacked_arguments(models, xs, states), models[0].cell
    expected, _ = _run_stack(models[0], arguments)
    tensors = [t for t in (*cell.parameters(), *cell.buffers()) if t.is_floating_point()]
    values = [t.clone() for t in tensors]
    try:
        for tensor in tensors:
            tensor.fill_(torch.nan)
        hs, _ = _run_stack(models[0], arguments)
    finally:
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)
    return torch.allclose(expected, hs, equal_nan=True)


_StackArguments = tuple[Tensor, State, Weights]


def _stacked_arguments(
    models: Sequence[SequenceModel], xs: Sequence[Tensor], states: Sequence[State]
) -> _StackArguments:
    """Return inputs, first states and weights of all models, each with an axis of M in front.

    Stacking copies: the weights of a model may be its parameters themselves, which the check of
    ``steps_are_independent`` overwrites.
    """
    x = _stack_inputs([model.encode(x) for model, x in zip(models, xs, strict=True)])
    triples = zip(models, xs, states, strict=True)
    initial = _stack_trees([model.initial_state(x, state) for model, x, state in triples])
    return x, initial, _stack_trees([model.cell.weights() for model in models])


def _stack_inputs(xs: Sequence[Tensor]) -> Tensor:
    """Return x of all models, (M, T, B, F); static ones stay one step that is expanded."""
    if all(map(is_static, xs)):
        return torch.stack([x[:1] for x in xs]).expand(-1, len(xs[0]), *xs[0].shape[1:])
    return torch.stack(list(xs))


def _stacked_lengths(lengths: Sequence[Tensor | None]) -> Tensor | None:
    """Return the lengths of all models (M, B), None where all sequences have as many steps."""
    own = [ends for ends in lengths if ends is not None]
    return torch.stack(own) if own else None


def _run_stack(
    model: SequenceModel, arguments: _StackArguments, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return h over time (M, T, B, H) and the last states.

    Raises TypeError if the kernel cannot run a stack.
    """
    if lengths is not None and model.kernel.padded_stacked is not None:
        x, state, weights = arguments
        return model.kernel.padded_stacked(without_padding(x, lengths), state, weights, lengths)
    if model.kernel.stacked is None:
        raise TypeError(f"the kernel '{model.kernel.name}' computes one model at a time")
    return model.kernel.stacked(*arguments)


def _stack_trees(trees: Sequence[Tree]) -> Tree:
    """Return nested tuples of tensors as one such tuple, with a new first axis for them."""
    stacked_tree: Tree = tree_map(lambda *tensors: torch.stack(tensors), *trees)
    return stacked_tree
