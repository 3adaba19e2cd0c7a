"""A simple recurrent network of maps with layer norm.

Nayebi et al. (2018), arXiv:1807.00053, in the form of its code, with elu:

    h_t = elu(LN(W * x_t + U * h_{t-1}))

LN is the layer norm of Ba, Kiros and Hinton (2016), arXiv:1607.06450, over channels and places,
with a gain and a bias for each channel.

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.cells import _init
from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """W and U (C, C, K, K), the gain and the bias (C)."""

    by_x: Tensor
    by_h: Tensor
    gain: Tensor
    bias: Tensor


class SimpleRnn(Unit[Weights]):
    """One state, which is the output."""

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.by_h = self.filters(), self.filters()
        self.gain, self.bias = nn.Parameter(torch.ones(channels)), _init.zeros(channels)

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.by_h, self.gain, self.bias)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h."""
        total = convolved(x, w.by_x) + convolved(state[0], w.by_h)
        # one group of all channels is a layer norm whose gain and bias depend on the channel alone
        return (functional.elu(functional.group_norm(total, 1, w.gain, w.bias)),)

    def flops(self) -> float:
        """Two convolutions, their sum, the norm and an ELU."""
        return self.convolution_flops(2) + 10 * self.channels
