"""The LSTM that the uRNN was compared with: its output gate sees the cell through a full matrix.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, as their code has it: o_t takes V_o c_t with
the *current* cell state and a full H×H matrix (not a diagonal peephole), h_0 and c_0 are learned
from zero, the forget bias starts at one, and every matrix by Glorot's rule.

T steps, B batch, F input features, H hidden width. Gates are in the order i, f, g, o.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.cells.lstm import Lstm, LstmOptions
from urnn_bench.kernels import bptt
from urnn_bench.kernels.native import dense
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights


class LstmPaperOptions(LstmOptions):
    """How the paper's LSTM starts."""

    learn_state: bool = Field(
        True,
        description="h_0 and c_0 are learned from zero (code; the paper does not say), or zero",
    )


class Weights(NamedTuple):
    """Input (4H, F), recurrent (4H, H) and cell-to-output (H, H) matrices, bias (4H)."""

    w_x: Tensor
    w_h: Tensor
    bias: Tensor
    w_c: Tensor


class LstmPaper(Cell[Weights]):
    """The LSTM of the uRNN paper's figures."""

    Options = LstmPaperOptions
    options: LstmPaperOptions
    state_names = ("h", "c")
    kernels = {"c": dense.LSTM, "bptt": bptt.LSTM}

    def __init__(self, inputs: int, hidden: int, options: LstmPaperOptions) -> None:
        super().__init__(inputs, hidden, options)
        # a cell within a cell for its parameters and their initial values; its step is not used
        self.gates = Lstm(inputs, hidden, options)
        self.w_c = _init.glorot(hidden, hidden)
        self.h0 = _init.zeros(hidden).requires_grad_(options.learn_state)
        self.c0 = _init.zeros(hidden).requires_grad_(options.learn_state)

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(*self.gates.weights(), self.w_c)

    def drive(self, x: Tensor, w: DenseWeights) -> Tensor:
        """Return every gate's share of the input: (T, B, F) to (T, B, 4H)."""
        return self.gates.drive(x, w)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return c' = f c + i g and h' = o(c') tanh(c')."""
        h, c = state
        # o after c: it sees the new cell
        i, f, g, o = torch.addmm(u, h, w.w_h.T).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return (torch.addmm(o, c, w.w_c.T).sigmoid() * c.tanh(), c)

    def flops(self) -> float:
        """An LSTM's and the product of the cell with its matrix."""
        return self.gates.flops() + 2 * self.hidden * self.hidden

    def initial_state(self, batch: int) -> State:
        """Return the learned h_0 and c_0 for every sequence."""
        return (self.h0.expand(batch, -1), self.c0.expand(batch, -1))
