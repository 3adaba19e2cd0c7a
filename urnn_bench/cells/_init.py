"""Initial values that several cells share."""

from math import sqrt

import torch
from torch import nn


def glorot(rows: int, columns: int, blocks: int = 1) -> nn.Parameter:
    """Return (blocks·rows, columns), each block Glorot uniform by itself.

    Glorot and Bengio (2010), AISTATS 9, equation 16. One draw over all gates would see a fan-out of
    4H and make every gate smaller.
    """
    parts = [nn.init.xavier_uniform_(torch.empty(rows, columns)) for _ in range(blocks)]
    return nn.Parameter(torch.cat(parts))


def uniform(*shape: int, bound: float) -> nn.Parameter:
    """Return a tensor drawn uniformly from [-bound, bound]."""
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


def glorot_bound(fan_in: int, fan_out: int) -> float:
    """Return √(6 / (fan_in + fan_out)); Glorot and Bengio 2010, equation 16."""
    return sqrt(6 / (fan_in + fan_out))


def zeros(*shape: int) -> nn.Parameter:
    """Return a parameter of zeros."""
    return nn.Parameter(torch.zeros(shape))


def normal(*shape: int, deviation: float) -> nn.Parameter:
    """Return a tensor of normal numbers with mean 0."""
    return nn.Parameter(deviation * torch.randn(shape))
