"""A leaky average of the input, whose rate every unit learns."""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import nn

from urnn_bench.cells.base import Cell


class Options(Cell.Options):
    """What a benchmark may set below the cell."""

    start: float = Field(1.0, description="the decay begins at the sigmoid of this")


class Weights(NamedTuple):
    """The tensors that `drive` and `step` use."""

    v: torch.Tensor
    decay: torch.Tensor


class CLASS(Cell):
    """h' = decay h + (1 - decay) V x."""

    Options = Options

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        # what is trained is an nn.Parameter; a constant is self.register_buffer("name", tensor)
        self.v = nn.Parameter(torch.randn(inputs, hidden) / inputs**0.5)
        self.logit = nn.Parameter(torch.full((hidden,), options.start))

    def weights(self):
        """Called once per sequence: return all that the methods below need."""
        return Weights(self.v, self.logit.sigmoid())

    def drive(self, x, w):
        """All that does not depend on the state: x (T, B, F) to (T, B, H)."""
        return x @ w.v

    def step(self, u, state, w):
        """One step: u (B, H) and the state to the next state, a tuple; change nothing in place."""
        (h,) = state
        return (w.decay * h + (1 - w.decay) * u,)

    def initial_state(self, batch):
        """The state before the first step, a tuple, in the type of the parameters."""
        return (self.v.new_zeros(batch, self.hidden),)
