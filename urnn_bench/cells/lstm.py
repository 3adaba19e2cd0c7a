"""Long short-term memory as torch.nn.LSTM computes it, with a forget bias of one.

Hochreiter and Schmidhuber (1997); forget gate after Gers, Schmidhuber and Cummins (2000). It
departs from torch.nn.LSTM in its start only: Glorot's rule for each gate's matrices, one bias
vector in place of the sum of two, and a forget bias of 1 (Jozefowicz, Zaremba and Sutskever 2015).

T steps, B batch, F input features, H hidden width. Gates are in the order i, f, g, o.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.kernels import bptt, vendor
from urnn_bench.kernels.native import lstm
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights
from urnn_bench.spec.types import Config


class LstmOptions(Config):
    """How an LSTM starts."""

    forget_bias: float = Field(1.0, description="initial bias of the forget gate")


class Weights(NamedTuple):
    """Input (4H, F) and recurrent (4H, H) matrices, bias (4H)."""

    w_x: Tensor
    w_h: Tensor
    bias: Tensor


def gated(z: Tensor, c: Tensor) -> State:
    """Return h' and c' from every gate's pre-activation (B, 4H) and the cell (B, H)."""
    # out of place, unlike kernels/bptt.py: autograd keeps what it needs of each of them
    i, f, g, o = z.chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return (o.sigmoid() * c.tanh(), c)


class Lstm(Cell[Weights]):
    """The stock LSTM; its state starts at zero."""

    Options = LstmOptions
    options: LstmOptions
    state_names = ("h", "c")
    kernels = {"c": lstm.LSTM, "vendor": vendor.LSTM, "bptt": bptt.LSTM}

    def __init__(self, inputs: int, hidden: int, options: LstmOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = _init.glorot(hidden, inputs, blocks=4)
        self.w_h = _init.glorot(hidden, hidden, blocks=4)
        # one bias where torch.nn.LSTM has two: only their sum is ever seen, and two of them would
        # double its learning rate
        i, f, g, o = torch.zeros(4, hidden)
        self.bias = nn.Parameter(torch.cat([i, f + options.forget_bias, g, o]))

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.w_x, self.w_h, self.bias)

    def drive(self, x: Tensor, w: DenseWeights) -> Tensor:
        """Return every gate's share of the input: (T, B, F) to (T, B, 4H)."""
        return nn.functional.linear(x, w.w_x, w.bias)

    def step(self, u: Tensor, state: State, w: DenseWeights) -> State:
        """Return c' = f c + i g and h' = o tanh(c')."""
        h, c = state
        return gated(torch.addmm(u, h, w.w_h.T), c)

    def flops(self) -> float:
        """Four gates, and five functions and four products or sums of each unit."""
        return self.hidden * (4 * (2 * (self.inputs + self.hidden) + 1) + 9)

    def initial_state(self, batch: int) -> State:
        """Return zeros for h and c."""
        zero = self.bias.new_zeros(batch, self.hidden)
        return (zero, zero)
