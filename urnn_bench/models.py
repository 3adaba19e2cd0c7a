"""Encoder, cell and linear readout as one network.

T steps, B batch, F input features, H hidden width, R readable features, O outputs.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Choice
from urnn_bench.kernels.time_loop import State
from urnn_bench.tasks.base import Signature, Targets, Tokens


class SequenceModel(nn.Module):
    """A cell that reads one-hot tokens or real vectors and answers through a linear readout.

    The readout starts by Glorot's rule with zero bias, as in the uRNN paper, section 4.3.
    """

    def __init__(self, cell: Cell, signature: Signature, kernel: Choice) -> None:
        super().__init__()
        self.cell, self.signature, self.kernel = cell, signature, kernel
        self.readout = nn.Linear(cell.features, signature.outputs)
        nn.init.xavier_uniform_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, x: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Return (T, B, O), or (B, O) where the task wants an answer after the last step.

        Beside it the last state, which another call can go on from; without one it begins anew.
        """
        hs, last = self.kernel.run(
            self.encode(x), self.initial_state(x, state), self.cell.weights()
        )
        return self.output(hs, last), last

    def initial_state(self, x: Tensor, state: State) -> State:
        """Return the state before the first step: the one given, if one is."""
        return state or self.cell.initial_state(x.shape[1])

    def output(self, hs: Tensor, last: State) -> Tensor:
        """Return the output that the task wants, of h over time and the last state."""
        return self.predict(last[0] if self.signature.targets is Targets.LAST_STEP else hs)

    def encode(self, x: Tensor) -> Tensor:
        """Return what the cell reads: tokens (T, B) become one-hot (T, B, V)."""
        if not isinstance(self.signature.inputs, Tokens):
            return x
        weight, vocabulary = self.readout.weight, self.signature.inputs.vocabulary
        # not one_hot, which looks at the tokens first, and a GPU would be waited for
        return weight.new_zeros(*x.shape, vocabulary).scatter_(-1, x.unsqueeze(-1), 1)

    def predict(self, h: Tensor) -> Tensor:
        """Read the answer off h: (..., H) to (..., O)."""
        readout = self.readout
        return self.kernel.linear(self.cell.readout_features(h), readout.weight, readout.bias)


def stacked_forward(
    models: Sequence[SequenceModel], xs: Sequence[Tensor], states: Sequence[State]
) -> list[tuple[Tensor, State]]:
    """Return what every model answers to its own x from its own state, computed together.

    The models differ in their weights only, and x in its content.
    """
    hs, last = _run(models[0], _given(models, xs, states))
    lasts = [tuple(s[m] for s in last) for m in range(len(models))]
    found = zip(models, hs.unbind(0), lasts, strict=True)
    return [(model.output(h, state), state) for model, h, state in found]


@torch.no_grad()
def steps_are_independent(
    models: Sequence[SequenceModel], xs: Sequence[Tensor], states: Sequence[State]
) -> bool:
    """Return whether steps read what they are given and nothing else of the cell that takes them.

    They are taken by the first model's cell, for all; so its own numbers are spoilt, once the
    weights have been made of them.
    """
    given, cell = _given(models, xs, states), models[0].cell
    before, _ = _run(models[0], given)
    own = [t for t in (*cell.parameters(), *cell.buffers()) if t.is_floating_point()]
    kept = [t.clone() for t in own]
    try:
        for tensor in own:
            tensor.fill_(torch.nan)
        after, _ = _run(models[0], given)
    finally:
        for tensor, value in zip(own, kept, strict=True):
            tensor.copy_(value)
    return torch.allclose(before, after, equal_nan=True)


_Given = tuple[Tensor, State, Any]


def _given(
    models: Sequence[SequenceModel], xs: Sequence[Tensor], states: Sequence[State]
) -> _Given:
    """Return inputs, states and weights of all models, stacked, which copies them."""
    x = torch.stack([model.encode(x) for model, x in zip(models, xs, strict=True)])
    each = zip(models, xs, states, strict=True)
    begin = _stacked([model.initial_state(x, state) for model, x, state in each])
    return x, begin, _stacked([model.cell.weights() for model in models])


def _run(model: SequenceModel, given: _Given) -> tuple[Tensor, State]:
    """Return h over time (M, T, B, H) and the last states; raise TypeError if there is no way."""
    if model.kernel.stacked is None:
        raise TypeError(f"the kernel '{model.kernel.name}' computes one model at a time")
    return model.kernel.stacked(*given)


def _stacked(values: Sequence[Any]) -> Any:
    """Return nested tuples of tensors with one more axis in front, over which they differ."""
    return tree_map(lambda *of: torch.stack(of), *values)
