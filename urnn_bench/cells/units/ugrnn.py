"""The update gate RNN of maps: one gate between what is kept and what is new.

Collins, Sohl-Dickstein and Sussillo (2017), arXiv:1611.09913, section 2, with convolutions as in
Nayebi et al. (2018), arXiv:1807.00053. With σ the sigmoid:

    g_t = σ(W_xg * x_t + W_hg * h_{t-1} + b_g)
    n_t = tanh(W_xn * x_t + W_hn * h_{t-1} + b_n)
    h_t = g_t h_{t-1} + (1 - g_t) n_t

The bias b_g starts at one, so that the unit keeps more than it takes.

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """W_xg and W_xn, W_hg and W_hn (2C, C, K, K), b_g and b_n (2C)."""

    by_x: Tensor
    by_h: Tensor
    bias: Tensor


class Ugrnn(Unit[Weights]):
    """One state, which is the output."""

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.by_h = self.filters(2), self.filters(2)
        self.bias = nn.Parameter(torch.cat((torch.ones(channels), torch.zeros(channels))))

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.by_h, self.bias)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h."""
        (h,) = state
        gate, new = (convolved(x, w.by_x, w.bias) + convolved(h, w.by_h)).chunk(2, dim=-3)
        g = torch.sigmoid(gate)
        return (g * h + (1 - g) * torch.tanh(new),)

    def flops(self) -> float:
        """Four convolutions, and ten operations of each channel."""
        return self.convolution_flops(4) + 10 * self.channels
