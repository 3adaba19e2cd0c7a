"""The plain recurrent network of Elman (1990), h_t = f(W h_{t-1} + V x_t + b), in two cells.

T steps, B batch, F input features, H hidden width.
"""

from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights
from urnn_bench.spec.types import Config


class PlainOptions(Config):
    """What the papers' texts leave open."""

    learn_h0: bool = Field(True, description="h_0 is a parameter that starts at zero, else zero")


class PlainWeights(NamedTuple):
    """V (H, F), W (H, H), bias (H)."""

    w_x: Tensor
    w_h: Tensor
    bias: Tensor


class ElmanCell(Cell[PlainWeights]):
    """Parameters and drive of a plain recurrent network; a subclass adds f in ``step``."""

    Options = PlainOptions
    options: PlainOptions

    def __init__(self, inputs: int, hidden: int, options: PlainOptions) -> None:
        super().__init__(inputs, hidden, options)
        # V before W: the order of draws is part of what a seed means
        self.w_x = _init.glorot(hidden, inputs)
        self.w_h = self.initial_recurrent()
        self.bias = _init.zeros(hidden)
        # a parameter either way, so that a checkpoint has the same keys
        self.h0 = _init.zeros(hidden).requires_grad_(options.learn_h0)

    def initial_recurrent(self) -> nn.Parameter:
        """Return the recurrent matrix (H, H) to start from."""
        return _init.glorot(self.hidden, self.hidden)

    def weights(self) -> PlainWeights:
        """Return the parameters as they are."""
        return PlainWeights(self.w_x, self.w_h, self.bias)

    def drive(self, x: Tensor, w: DenseWeights) -> Tensor:
        """Return V x + b: (T, B, F) to (T, B, H)."""
        return nn.functional.linear(x, w.w_x, w.bias)

    def flops(self) -> float:
        """Two products and a function of each unit."""
        return self.hidden * (2 * (self.inputs + self.hidden) + 2)

    def initial_state(self, batch: int) -> State:
        """Return h_0 for every sequence."""
        return (self.h0.expand(batch, -1),)
