"""The reciprocal gated cell: the output gates what enters the memory, and the memory the output.

Nayebi et al. (2018), arXiv:1807.00053, in the form of its code, with elu and σ the sigmoid:

    c_t = elu((1 - σ(W_cc * c_{t-1})) c_{t-1} + (1 - σ(W_hc * h_{t-1})) W_xc * x_t)
    h_t = elu((1 - σ(W_hh * h_{t-1})) h_{t-1} + (1 - σ(W_ch * c_{t-1})) x_t)

It bypasses: from zero states every gate is one half, and h_1 is elu(x_1 / 2). It gates: what is
kept and what enters is multiplied by functions of the states. There are no biases.

B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from urnn_bench.cells.units.base import Unit, convolved
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.network import Path
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """W_xc (C, C, K, K), W_hc and W_hh, W_cc and W_ch (2C, C, K, K)."""

    by_x: Tensor
    by_h: Tensor
    by_c: Tensor


class ReciprocalGated(Unit[Weights]):
    """Two states, an output h and a memory c."""

    state_names = ("h", "c")

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.by_x, self.by_h, self.by_c = self.filters(), self.filters(2), self.filters(2)

    def weights(self) -> Weights:
        """Return the parameters as they are."""
        return Weights(self.by_x, self.by_h, self.by_c)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h and c, both of the states before."""
        h, c = state
        enters_c, keeps_h = (1 - torch.sigmoid(convolved(h, w.by_h))).chunk(2, dim=-3)
        keeps_c, enters_h = (1 - torch.sigmoid(convolved(c, w.by_c))).chunk(2, dim=-3)
        return (
            functional.elu(keeps_h * h + enters_h * x),
            functional.elu(keeps_c * c + enters_c * convolved(x, w.by_x)),
        )

    def paths(self) -> tuple[Path, ...]:
        """Return the four products of the equations."""
        return (
            Path(source="h", target="h", gates=("h",)),
            Path(source="x", target="h", gates=("c",)),
            Path(source="c", target="c", gates=("c",)),
            Path(source="x", target="c", gates=("h",), convolved=True),
        )

    def flops(self) -> float:
        """Five convolutions, and eight operations of each channel in each state."""
        return self.convolution_flops(5) + 16 * self.channels
