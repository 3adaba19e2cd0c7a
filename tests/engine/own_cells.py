"""Cells and tasks of a user's, as small as they can be; a test replaces what it is about."""

HEAD = '''\
"""A cell."""
import random
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from urnn_bench.cells.base import Cell, StateSpec


class Weights(NamedTuple):
    v: torch.Tensor
    w: torch.Tensor


'''

CELL = (
    HEAD
    + """\
class Own(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = nn.Parameter(0.3 * torch.randn(inputs, hidden))
        self.w = nn.Parameter(0.3 * torch.randn(hidden, hidden))

    def weights(self):
        return Weights(self.v, self.w)

    def drive(self, x, w):
        return x @ w.v

    def step(self, u, state, w):
        return (torch.tanh(state[0] @ w.w + u),)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)
"""
)

# where each draws, and what it draws there
DRAWING = {
    "init_numpy": ("0.3 * torch.randn(hidden, hidden)",
                   "torch.tensor(np.random.normal(0, 0.3, (hidden, hidden)))"),
    "init_python": ("0.3 * torch.randn(hidden, hidden)",
                    "torch.full((hidden, hidden), 0.1 * random.random())"),
    "weights": ("return Weights(self.v, self.w)",
                "return Weights(self.v, self.w * (1 + 0.1 * np.random.rand()))"),
    "drive": ("return x @ w.v", "return nn.functional.dropout(x, 0.3, self.training) @ w.v"),
    "step_torch": ("+ u),)", "+ u) * (1 + 0.1 * torch.rand(1)),)"),
    "step_numpy": ("+ u),)", "+ u) * (1 + 0.1 * np.random.rand()),)"),
    "step_python": ("+ u),)", "+ u) * (1 + 0.1 * random.random()),)"),
    "readout": ("    def initial_state", "    def readout_features(self, h):\n"
                "        return h * (1 + 0.1 * torch.rand(1))\n\n    def initial_state"),
    "update_end": ("    def initial_state", "    def on_update_end(self, step):\n"
                   "        with torch.no_grad():\n"
                   "            self.w += 0.01 * torch.randn_like(self.w) * np.random.rand()\n\n"
                   "    def initial_state"),
    # the first draw comes late, when the stack has long been trusted
    "late": ("    def step(self, u, state, w):\n        return (torch.tanh(state[0] @ w.w + u),)",
             "    late = False\n\n    def on_update_end(self, step):\n"
             "        self.late = step >= 2\n\n    def step(self, u, state, w):\n"
             "        noise = 0.1 * np.random.rand() if self.late else 0\n"
             "        return (torch.tanh(state[0] @ w.w + u) + noise,)"),
}  # fmt: skip


def replaced(source: str, old: str, new: str) -> str:
    """Return a source with one part replaced, which must be there."""
    assert source.count(old) == 1, old
    return source.replace(old, new)


def drawing(where: str) -> str:
    """Return a cell that draws random numbers at one place."""
    return replaced(CELL, *DRAWING[where])


TASK = '''\
"""The sum of T bits, told after the last."""
import random

import numpy as np
import torch
from pydantic import Field

from urnn_bench.tasks.base import (
    Batch, PoolOptions, Score, Signature, SyntheticTask, Targets, Tokens,
)


class Options(PoolOptions):
    T: int = Field(ge=1)


class Sum(SyntheticTask):
    Options = Options
    metrics = ("cross_entropy_nat",)

    @property
    def signature(self):
        return Signature(Tokens(2), 2, Targets.LAST_STEP)

    def sample(self, count, rng):
        x = torch.randint(0, 2, (self.options.T, count), generator=rng)
        return Batch(x, x.sum(0) % 2)

    def loss(self, output, batch):
        return torch.nn.functional.cross_entropy(output, batch.y)

    def scores(self, output, batch):
        count = len(batch.y)
        return {"cross_entropy_nat": Score(float(self.loss(output, batch)) * count, count)}

    def baselines(self):
        return {"cross_entropy_nat": {"chance": 0.7}}

    def baseline_output(self, batch):
        return torch.zeros(len(batch.y), 2)
'''
