"""A gated recurrent unit of maps.

Ballas, Yao, Pal and Courville (2016), arXiv:1511.06432, section 3; the GRU is that of Cho et al.
(2014), arXiv:1406.1078. With σ the sigmoid:

    z_t = σ(W_xz * x_t + W_hz * h_{t-1} + b_z)
    r_t = σ(W_xr * x_t + W_hr * h_{t-1} + b_r)
    n_t = tanh(W_xn * x_t + W_hn * (r_t h_{t-1}) + b_n)
    h_t = (1 - z_t) h_{t-1} + z_t n_t

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from urnn_bench.cells import _init
from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """W_xz, W_xr and W_xn (3C, C, K, K), b (3C), W_hz and W_hr (2C, C, K, K), W_hn (C, C, K, K)."""

    by_x: Tensor
    bias: Tensor
    gates_by_h: Tensor
    new_by_h: Tensor


class Gru(Unit[Weights]):
    """One state, which is the output."""

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.bias = self.filters(3), _init.zeros(3 * channels)
        self.gates_by_h, self.new_by_h = self.filters(2), self.filters()

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.bias, self.gates_by_h, self.new_by_h)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h."""
        (h,) = state
        z_x, r_x, n_x = convolved(x, w.by_x, w.bias).chunk(3, dim=-3)
        z_h, r_h = convolved(h, w.gates_by_h).chunk(2, dim=-3)
        z, r = torch.sigmoid(z_x + z_h), torch.sigmoid(r_x + r_h)
        n = torch.tanh(n_x + convolved(r * h, w.new_by_h))
        return ((1 - z) * h + z * n,)

    def flops(self) -> float:
        """Six convolutions, and fourteen operations of each channel."""
        return self.convolution_flops(6) + 14 * self.channels
