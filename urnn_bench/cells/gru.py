"""Gated recurrent unit as torch.nn.GRU computes it.

Cho et al. (2014), arXiv:1406.1078, in the form of cuDNN: the reset gate acts after the recurrent
product, n = tanh(V x + b + r (W h + b')). It starts by Glorot's rule, with zero biases.

T steps, B batch, F input features, H hidden width. Gates are in the order r, z, n.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.kernels import bptt, vendor
from urnn_bench.kernels.native import gru
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import GruWeights
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """Input (3H, F) and recurrent (3H, H) matrices, and a bias (3H) for each."""

    w_x: Tensor
    w_h: Tensor
    bias_x: Tensor
    bias_h: Tensor


class Gru(Cell[Weights]):
    """The stock GRU; its state starts at zero."""

    kernels = {"c": gru.GRU, "vendor": vendor.GRU, "bptt": bptt.GRU}

    def __init__(self, inputs: int, hidden: int, options: Config) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = _init.glorot(hidden, inputs, blocks=3)
        self.w_h = _init.glorot(hidden, hidden, blocks=3)
        self.bias_x = _init.zeros(3 * hidden)
        self.bias_h = _init.zeros(3 * hidden)

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.w_x, self.w_h, self.bias_x, self.bias_h)

    def drive(self, x: Tensor, w: GruWeights) -> Tensor:
        """Return every gate's share of the input: (T, B, F) to (T, B, 3H)."""
        return nn.functional.linear(x, w.w_x, w.bias_x)

    def step(self, u: Tensor, state: State, w: GruWeights) -> State:
        """Return (1 - z) n + z h."""
        h = state[0]
        a_r, a_z, a_n = u.chunk(3, dim=-1)
        # all three products in one, as the reset gate multiplies b_n and not h
        b_r, b_z, b_n = torch.addmm(w.bias_h, h, w.w_h.T).chunk(3, dim=-1)
        n = torch.tanh(a_n + torch.sigmoid(a_r + b_r) * b_n)
        return (torch.lerp(n, h, torch.sigmoid(a_z + b_z)),)

    def flops(self) -> float:
        """Three gates, and three functions and five products or sums of each unit."""
        return self.hidden * (3 * (2 * (self.inputs + self.hidden) + 2) + 8)

    def initial_state(self, batch: int) -> State:
        """Return zeros for h."""
        return (self.bias_h.new_zeros(batch, self.hidden),)
