"""A linear layer on the features and their squares."""

import torch
from torch import nn

from urnn_bench.readouts.base import Readout


class CLASS(Readout):
    """y = W (h, h²) + b."""

    def __init__(self, features, outputs, options):
        super().__init__(features, outputs, options)
        self.weight = nn.Parameter(torch.empty(outputs, 2 * features))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features):
        """Features (..., R) to outputs (..., O)."""
        both = torch.cat((features, features.square()), dim=-1)
        return self.linear(both, self.weight, self.bias)
