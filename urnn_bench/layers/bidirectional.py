"""Two cells of one type, one of which reads the sequence from its end, as a cell.

Schuster and Paliwal (1997), "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal
Processing 45. The features of both stand side by side at every step; at the end they are those of
the last state of each, so that both have seen the whole sequence. There is no step in time, so it
is computed by its kernel alone.

T steps, B batch, F input features, R features of a cell.
"""

from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.choose import Choice, Implementation, choose
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.time_loop import stacked as stacked_loop
from urnn_bench.spec.types import Config

_DEVICES = frozenset({"cpu", "cuda", "mps"})
Weights = tuple[Any, Any]


class BidirectionalCell(Cell[Weights]):
    """A cell that reads forwards and one that reads backwards."""

    has_step = causal = False
    time_loop_refusal = "a bidirectional layer reads the sequence from both ends"

    def __init__(self, kind: type[Cell], inputs: int, hidden: int, options: Config) -> None:
        super().__init__(inputs, hidden, options)
        self.forwards, self.backwards = (kind(inputs, hidden, options) for _ in range(2))
        names = (("forwards", self.forwards), ("backwards", self.backwards))
        states = (StateSpec(f"{s.name}_{name}", s.memory) for name, c in names for s in c.states)
        self.states = (StateSpec("y", memory=False), *states)
        self.kernels = {"both": Implementation(_DEVICES, _run, stacked=_run_stack)}
        self.time_varying = self.forwards.time_varying
        self.host_sync_reason = self.forwards.host_sync_reason
        self._choices: dict[str, Choice] = {}

    @property
    def parts(self) -> tuple[Cell, ...]:
        """Both cells."""
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

    def initial_state(self, batch: int) -> State:
        """Return zeros for the output, and those of both."""
        states = [s for cell in self.parts for s in cell.initial_state(batch)]
        like = next(self.parameters(), states[0].real)
        return (like.new_zeros(batch, self.features), *states)

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of both."""
        return tuple(p for cell in self.parts for p in cell.orthogonal_parameters())

    def recurrent_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of both."""
        return tuple(p for cell in self.parts for p in cell.recurrent_parameters())

    def on_update_end(self, step: int) -> None:
        """Tell both."""
        for cell in self.parts:
            cell.on_update_end(step)

    def flops(self) -> float | None:
        """Return those of both."""
        one = self.forwards.flops()
        return None if one is None else 2 * one

    def choice(self, cell: Cell, device: str) -> Choice:
        """Return the kernel of a cell on a device, the same for both: the first that can run."""
        key = f"{device} {cell is self.forwards}"
        if key not in self._choices:
            self._choices[key] = choose(cell, device, "auto")
        return self._choices[key]


def _run(cell: BidirectionalCell, x: Tensor, state: State, w: Weights) -> tuple[Tensor, State]:
    """Return the features of both (T, B, 2R) and the last states, of x (T, B, F)."""
    device, (first, second) = x.device.type, _split(cell, state)
    there = cell.choice(cell.forwards, device).run(x, first, w[0])
    back = cell.choice(cell.backwards, device).run(x.flip(0), second, w[1])
    return _joined(cell, there, back, time_axis=0)


def _run_stack(
    cell: BidirectionalCell, x: Tensor, state: State, w: Weights
) -> tuple[Tensor, State]:
    """Return the same of a stack of M networks, of x (M, T, B, F)."""
    first, second = _split(cell, state)
    there = _stack_of(cell, cell.forwards, x, first, w[0])
    back = _stack_of(cell, cell.backwards, x.flip(1), second, w[1])
    return _joined(cell, there, back, time_axis=1)


def _stack_of(
    both: BidirectionalCell, cell: Cell, x: Tensor, state: State, w: Any
) -> tuple[Tensor, State]:
    kernel = both.choice(cell, x.device.type).stacked
    return stacked_loop(cell, x, state, w) if kernel is None else kernel(x, state, w)


def _split(cell: BidirectionalCell, state: State) -> tuple[State, State]:
    """Return the states of either cell, without the output."""
    middle = 1 + len(cell.forwards.states)
    return state[1:middle], state[middle:]


def _joined(
    cell: BidirectionalCell,
    there: tuple[Tensor, State],
    back: tuple[Tensor, State],
    time_axis: int,
) -> tuple[Tensor, State]:
    """Return the features of both side by side, and the last states with theirs in front."""
    read = cell.forwards.readout_features
    hs = torch.cat([read(there[0]), read(back[0]).flip(time_axis)], -1)
    y = torch.cat([read(there[1][0]), read(back[1][0])], -1)
    return hs, (y, *there[1], *back[1])
