"""The intersection RNN of maps: one gate over time, and one over depth.

Collins, Sohl-Dickstein and Sussillo (2017), arXiv:1611.09913, section 2, with convolutions as in
Nayebi et al. (2018), arXiv:1807.00053. With σ the sigmoid:

    p_t = relu(W_xp * x_t + W_hp * h_{t-1} + b_p)        a_t = σ(W_xa * x_t + W_ha * h_{t-1} + b_a)
    n_t = tanh(W_xn * x_t + W_hn * h_{t-1} + b_n)        g_t = σ(W_xg * x_t + W_hg * h_{t-1} + b_g)
    y_t = a_t x_t + (1 - a_t) p_t                        h_t = g_t h_{t-1} + (1 - g_t) n_t

Layers above read y, and h alone recurs. The biases b_a and b_g start at one.

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """Of p, n, a and g: W_x and W_h (4C, C, K, K), b (4C)."""

    by_x: Tensor
    by_h: Tensor
    bias: Tensor


class IntersectionRnn(Unit[Weights]):
    """Two states, an output y and a memory h."""

    state_names = ("y", "h")

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.by_h = self.filters(4), self.filters(4)
        parts = torch.zeros(2 * channels), torch.ones(2 * channels)
        self.bias = nn.Parameter(torch.cat(parts))

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.by_h, self.bias)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return y and h."""
        h = state[1]
        depth, time, a, g = (convolved(x, w.by_x, w.bias) + convolved(h, w.by_h)).chunk(4, dim=-3)
        a, g = torch.sigmoid(a), torch.sigmoid(g)
        y = a * x + (1 - a) * functional.relu(depth)
        return y, g * h + (1 - g) * torch.tanh(time)

    def flops(self) -> float:
        """Eight convolutions, and twenty operations of each channel."""
        return self.convolution_flops(8) + 20 * self.channels
