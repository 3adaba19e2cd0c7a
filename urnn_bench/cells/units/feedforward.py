"""No recurrence: the state is the output of the step, an ELU of the layer's convolution.

Clevert, Unterthiner and Hochreiter (2016), arXiv:1511.07289, for the ELU.
"""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from urnn_bench.cells.units.base import Unit
from urnn_bench.kernels.time_loop import State


class Weights(NamedTuple):
    """Nothing."""


class Feedforward(Unit[Weights]):
    """h_t = elu(x_t)."""

    recurrent = False

    def weights(self) -> Weights:
        """Return nothing."""
        return Weights()

    def step(self, x: Tensor, state: State, w: Weights) -> State:  # noqa: ARG002
        """Return elu(x)."""
        return (functional.elu(x),)

    def flops(self) -> float:
        """One function of each channel."""
        return float(self.channels)
