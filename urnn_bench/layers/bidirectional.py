"""Two cells of one type, one of which reads the sequence from its end, as a cell.

Schuster and Paliwal (1997), "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal
Processing 45. The features of both stand side by side at every step; at the end they are those of
the last state of each, so that both have seen the whole sequence. Where lengths differ, the second
cell begins at the last step of each sequence, and the features are 0 after it. There is no step in
time, so it is computed by its kernel alone.

T steps, B batch, F input features, R features of a cell.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.padding import at_ends, reversed_steps, without_padding
from urnn_bench.kernels.time_loop import State
from urnn_bench.layers.composite import DEVICES, CompositeCell, run_each_of, run_of
from urnn_bench.spec.types import Config

Weights = tuple[Any, Any]


class BidirectionalCell(CompositeCell[Weights]):
    """A cell that reads forwards and one that reads backwards."""

    has_step = causal = False
    time_loop_refusal = "a bidirectional layer reads the sequence from both ends"

    def __init__(self, kind: type[Cell], inputs: int, hidden: int, options: Config) -> None:
        super().__init__(inputs, hidden, options)
        self.forwards, self.backwards = (kind(inputs, hidden, options) for _ in range(2))
        names = (("forwards", self.forwards), ("backwards", self.backwards))
        states = (StateSpec(f"{s.name}_{name}", s.memory) for name, c in names for s in c.states)
        self.states = (StateSpec("y", memory=False), *states)
        self.kernels = {
            "both": Implementation(
                DEVICES,
                _run,
                stacked=_run_stack,
                warm_up=self.warm_up,
                padded=_run,
                padded_stacked=_run_stack,
            )
        }
        self.draws = self.forwards.draws
        self.time_varying = self.forwards.time_varying
        self.host_sync_reason = self.forwards.host_sync_reason

    @property
    def inner(self) -> tuple[Cell, ...]:
        """The cell that reads forwards, and the other."""
        return self.forwards, self.backwards

    @property
    def features(self) -> int:
        """Those of both."""
        return 2 * self.forwards.features

    def weights(self) -> Weights:
        """Return those of both."""
        return self.forwards.weights(), self.backwards.weights()

    def drive(self, *_: object) -> NoReturn:
        """Raise TypeError: there is no step in time."""
        raise TypeError(self.time_loop_refusal)

    def step(self, *_: object) -> NoReturn:
        """Raise TypeError: there is no step in time."""
        raise TypeError(self.time_loop_refusal)

    def flops(self) -> float | None:
        """Return those of both."""
        one = self.forwards.flops()
        return None if one is None else 2 * one


def _run(
    cell: BidirectionalCell, x: Tensor, state: State, w: Weights, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return the features of both (T, B, 2R) and the last states, of x (T, B, F)."""
    return _over_both(run_of, cell, x, state, w, lengths)


def _run_stack(
    cell: BidirectionalCell, x: Tensor, state: State, w: Weights, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return the same of a stack of M networks, of x (M, T, B, F)."""
    return _over_both(run_each_of, cell, x, state, w, lengths)


def _over_both(
    run: Callable[[Cell, Tensor, State, Any], tuple[Tensor, State]],
    cell: BidirectionalCell,
    x: Tensor,
    state: State,
    w: Weights,
    lengths: Tensor | None,
) -> tuple[Tensor, State]:
    """Return the features of both side by side, and the last states with theirs in front."""
    first, second = _split(cell, state)
    there = run(cell.forwards, x, first, w[0])
    back = run(cell.backwards, _reversed(x, lengths), second, w[1])
    read = cell.forwards.readout_features
    hs = torch.cat([read(there[0]), _reversed(read(back[0]), lengths)], -1)
    hs = hs if lengths is None else without_padding(hs, lengths)
    y = torch.cat([_end_features(cell, *one, lengths) for one in (there, back)], -1)
    return hs, (y, *there[1], *back[1])


def _split(cell: BidirectionalCell, state: State) -> tuple[State, State]:
    """Return the states of either cell, without the output."""
    middle = 1 + len(cell.forwards.states)
    return state[1:middle], state[middle:]


def _reversed(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return x (T, B, F) from the end of every sequence."""
    return x.flip(-3) if lengths is None else reversed_steps(x, lengths)


def _end_features(
    cell: BidirectionalCell, hs: Tensor, last: State, lengths: Tensor | None
) -> Tensor:
    """Return the features (B, R) of one cell after the last step that it reads of a sequence."""
    return cell.forwards.readout_features(last[0] if lengths is None else at_ends(hs, lengths))
