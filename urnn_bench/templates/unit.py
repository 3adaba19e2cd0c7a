"""A leaky average of maps, whose rate every channel learns."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from urnn_bench.cells.units.base import Unit


class Weights(NamedTuple):
    """The tensors that `step` uses."""

    decay: torch.Tensor


class CLASS(Unit):
    """h' = decay h + (1 - decay) elu(x)."""

    def __init__(self, channels, kernel_size, options):
        super().__init__(channels, kernel_size, options)
        self.logit = nn.Parameter(torch.zeros(channels, 1, 1))

    def weights(self):
        """Called once per sequence: return all that `step` needs."""
        return Weights(self.logit.sigmoid())

    def step(self, x, state, w):
        """One step: a map x (B, C, R, S) and the state to the next state, a tuple."""
        (h,) = state
        return (w.decay * h + (1 - w.decay) * functional.elu(x),)
