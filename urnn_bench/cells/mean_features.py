"""Random features of the mean of all inputs so far: a control that knows no order.

h_t = tanh(V m_t + b) with m_t the mean of x_1 to x_t. V and b are drawn uniformly from ± their
scalings and never trained (Rahimi and Recht 2008, "Weighted Sums of Random Kitchen Sinks", NeurIPS
21, have such features). What a readout of h finds needs no recurrence.

T steps, B batch, F input features, H hidden width.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.reservoir_matrices import uniform
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config, Positive


class MeanFeaturesOptions(Config):
    """How the random weights are drawn."""

    input_scaling: Positive = Field(1.0, description="largest absolute input weight")
    bias_scaling: Positive = Field(1.0, description="largest absolute bias")


class Weights(NamedTuple):
    """V (H, F) and b (H)."""

    w_x: Tensor
    bias: Tensor


class MeanFeatures(Cell[Weights]):
    """Random features of a mean; nothing of them is trained."""

    Options = MeanFeaturesOptions
    states = (StateSpec("h"), StateSpec("mean"), StateSpec("clock", memory=False))
    options: MeanFeaturesOptions

    def __init__(self, inputs: int, hidden: int, options: MeanFeaturesOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Buffer(options.input_scaling * uniform(hidden, inputs))
        self.bias = nn.Buffer(options.bias_scaling * uniform(hidden))

    def weights(self) -> Weights:
        """Return the random weights as they are."""
        return Weights(self.w_x, self.bias)

    def drive(self, x: Tensor, w: Weights) -> Tensor:  # noqa: ARG002
        """Return x."""
        return x

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return the features of the mean, the mean, and the number of steps."""
        _, mean, steps = state
        steps = steps + 1
        mean = mean + (u - mean) / steps
        return torch.tanh(nn.functional.linear(mean, w.w_x, w.bias)), mean, steps

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        h, mean = (self.bias.new_zeros(batch, n) for n in (self.hidden, self.inputs))
        return h, mean, torch.zeros(batch, 1, dtype=torch.int64, device=self.bias.device)

    def flops(self) -> float:
        """The product, three operations of each input and two of each unit."""
        return self.hidden * (2 * self.inputs + 2) + 3 * self.inputs
