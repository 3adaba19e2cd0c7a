"""Cells of a user's whose states are more than one real vector."""

# Legendre memory: Gu, Dao, Ermon, Rudra and Ré (2020), "HiPPO", arXiv:2008.07669, equation 4
CLOCKED = '''\
"""A tanh network with a Legendre memory, whose matrix depends on t, and a clock."""

from typing import NamedTuple

import torch
from torch import nn

from urnn_bench.cells.base import Cell, StateSpec

ORDER = 3


class Weights(NamedTuple):
    w_x: torch.Tensor
    w_h: torch.Tensor
    w_c: torch.Tensor
    scale: torch.Tensor


class Drive(NamedTuple):
    u: torch.Tensor
    f: torch.Tensor
    a: torch.Tensor
    b: torch.Tensor


class Clocked(Cell):
    """h' = tanh(W_h h + W_c c + W_x x) / (1 + s / clock), c' = A_t c + B_t mean x."""

    states = (StateSpec("h"), StateSpec("c"), StateSpec("clock", memory=False))
    time_varying = True

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, inputs)))
        self.w_h = nn.Parameter(nn.init.orthogonal_(torch.empty(hidden, hidden)))
        self.w_c = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, ORDER)))
        self.scale = nn.Parameter(torch.full((hidden,), 0.1))

    def weights(self):
        return Weights(self.w_x, self.w_h, self.w_c, self.scale)

    def drive(self, x, w):
        n = torch.arange(ORDER, dtype=x.dtype, device=x.device)
        root = (2 * n + 1).sqrt()
        a = (root[:, None] * root).tril(-1) + torch.diag(n + 1)
        t = torch.arange(1, len(x) + 1, dtype=x.dtype, device=x.device).view(-1, 1, 1) + ORDER
        f = x.mean(-1, keepdim=True)
        return Drive(x @ w.w_x.T, f, torch.eye(ORDER).to(a) - a / t, root / t[:, 0])

    def step(self, u, state, w):
        h, c, clock = state
        c = c @ u.a.T + u.f * u.b
        clock = clock + 1
        h = torch.tanh(u.u + h @ w.w_h.T + c @ w.w_c.T) / (1 + w.scale / clock)
        return h, c, clock

    def initial_state(self, batch):
        zeros = self.scale.new_zeros
        clock = torch.zeros(batch, 1, dtype=torch.int64, device=self.scale.device)
        return zeros(batch, self.hidden), zeros(batch, ORDER), clock
'''

CONVOLUTIONAL = '''\
"""A convolutional network over a small image: h' = tanh(W * h + V * x)."""

from math import isqrt
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from urnn_bench.cells.base import Cell


class Weights(NamedTuple):
    v: torch.Tensor
    w: torch.Tensor
    bias: torch.Tensor


class Convolutional(Cell):
    """``hidden`` channels over the smallest square image that holds the input."""

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.side = isqrt(inputs - 1) + 1
        self.v = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, 1, 3, 3)))
        self.w = nn.Parameter(nn.init.dirac_(torch.empty(hidden, hidden, 3, 3)))
        self.bias = nn.Parameter(torch.zeros(hidden))

    @property
    def features(self):
        return self.hidden * self.side**2

    def weights(self):
        return Weights(self.v, self.w, self.bias)

    def drive(self, x, w):
        image = pad(x, (0, self.side**2 - x.shape[-1])).unflatten(-1, (1, self.side, self.side))
        return conv2d(image.flatten(0, 1), w.v, w.bias, padding=1).unflatten(0, x.shape[:2])

    def step(self, u, state, w):
        return (torch.tanh(u + conv2d(state[0], w.w, padding=1)),)

    def initial_state(self, batch):
        return (self.bias.new_zeros(batch, self.hidden, self.side, self.side),)

    def readout_features(self, h):
        return h.flatten(-3)
'''

CELLS = {"clocked": CLOCKED, "convolutional": CONVOLUTIONAL}
