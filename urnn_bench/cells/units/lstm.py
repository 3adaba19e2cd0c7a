"""A long short-term memory of maps.

Shi et al. (2015), arXiv:1506.04214, equation 3. With σ the sigmoid:

    i_t = σ(W_xi * x_t + W_hi * h_{t-1} + p_i c_{t-1} + b_i)
    f_t = σ(W_xf * x_t + W_hf * h_{t-1} + p_f c_{t-1} + b_f)
    c_t = f_t c_{t-1} + i_t tanh(W_xc * x_t + W_hc * h_{t-1} + b_c)
    o_t = σ(W_xo * x_t + W_ho * h_{t-1} + p_o c_t + b_o)
    h_t = o_t tanh(c_t)

Without ``peepholes`` p is zero. The paper has a peephole for every place of the map, here it is one
for every channel. The bias b_f starts at one: Jozefowicz, Zaremba and Sutskever (2015).

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class LstmOptions(Config):
    """Whether the gates see the memory."""

    peepholes: bool = Field(False, description="whether the gates see the memory of their channel")


class Weights(NamedTuple):
    """Of i, f, c and o: W_x and W_h (4C, C, K, K), b (4C); p_i, p_f and p_o (C, 1, 1), or none."""

    by_x: Tensor
    by_h: Tensor
    bias: Tensor
    peepholes: tuple[Tensor, ...]


class Lstm(Unit[Weights]):
    """Two states, an output h and a memory c."""

    Options = LstmOptions
    options: LstmOptions
    state_names = ("h", "c")

    def __init__(self, channels: int, kernel_size: int, options: LstmOptions) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.by_h = self.filters(4), self.filters(4)
        biases = torch.zeros(4, channels)
        biases[1] = 1
        self.bias = nn.Parameter(biases.flatten())
        gates = 3 if options.peepholes else 0
        self.peepholes = nn.ParameterList(_init.zeros(channels, 1, 1) for _ in range(gates))

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.by_h, self.bias, tuple(self.peepholes))

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h and c."""
        h, c = state
        i, f, new, o = (convolved(x, w.by_x, w.bias) + convolved(h, w.by_h)).chunk(4, dim=-3)
        if w.peepholes:
            of_i, of_f, _ = w.peepholes
            i, f = i + of_i * c, f + of_f * c
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(new)
        o = o + w.peepholes[2] * c if w.peepholes else o
        return torch.sigmoid(o) * torch.tanh(c), c

    def flops(self) -> float:
        """Eight convolutions, thirteen operations of each channel, and six of the peepholes."""
        operations = 13 + (6 if self.options.peepholes else 0)
        return self.convolution_flops(8) + operations * self.channels
