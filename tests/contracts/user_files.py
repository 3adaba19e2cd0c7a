"""One component of most kinds, each as a user would write it in a file."""

CELL = '''\
"""A tanh network, h_t = tanh(W h_{t-1} + V x_t + b)."""

from typing import NamedTuple

import torch
from torch import nn

from urnn_bench.cells.base import Cell


class Weights(NamedTuple):
    w_x: torch.Tensor
    w_h: torch.Tensor
    bias: torch.Tensor


class Tanh(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, inputs)))
        self.w_h = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, hidden)))
        self.bias = nn.Parameter(torch.zeros(hidden))

    def weights(self):
        return Weights(self.w_x, self.w_h, self.bias)

    def drive(self, x, w):
        return nn.functional.linear(x, w.w_x, w.bias)

    def step(self, u, state, w):
        (h,) = state
        return (torch.tanh(h @ w.w_h.T + u),)

    def initial_state(self, batch):
        return (self.bias.new_zeros(batch, self.hidden),)
'''

CUT_GRADIENT = CELL.replace("(h,) = state", "h = state[0].detach()")

TASK = '''\
"""Recall the first of T random numbers after the last one."""

import torch
from pydantic import Field

from urnn_bench.spec.types import Count
from urnn_bench.tasks.base import (
    Batch,
    PoolOptions,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Vectors,
)


class FirstNumberOptions(PoolOptions):
    T: Count = Field(description="how many numbers there are")


class FirstNumber(SyntheticTask):
    Options = FirstNumberOptions
    metrics = ("mse",)

    @property
    def signature(self):
        return Signature(Vectors(1), 1, Targets.LAST_STEP)

    def sample(self, count, rng):
        x = torch.randn(self.options.T, count, 1, generator=rng)
        return Batch(x, x[0].clone())

    def loss(self, output, batch):
        return (output - batch.y).square().mean()

    def scores(self, output, batch):
        count = len(batch.y)
        return {"mse": Score(float(self.loss(output, batch)) * count, count)}

    def baselines(self):
        return {"mse": {"mean": 1.0}}

    def baseline_output(self, batch):
        return torch.zeros_like(batch.y)
'''

FIGURE = '''\
"""The last validation loss of every model over length."""

from matplotlib.figure import Figure as Drawing

from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import escaped, styles_of
from urnn_bench.figures.base import Figure


class LastLoss(Figure):
    def draw(self, results):
        losses = results.metrics.query("split == 'validation' and metric == @results.criterion")
        if losses.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has a validation loss")
        drawing = Drawing()
        ax = drawing.subplots()
        styles = styles_of(results.models)
        for model, rows in losses.groupby("model"):
            last = rows.groupby("T")["value"].last()
            ax.plot(last.index, last, color=styles[model].color, label=escaped(model))
        ax.set_xlabel("T (steps)")
        ax.set_ylabel("validation loss")
        drawing.legend()
        return drawing
'''

PROBE = '''\
"""The largest unit of every state, and the mean of that over time."""

from urnn_bench.probes.base import Probe


class LargestUnit(Probe):
    def read(self, trace):
        curves = {name: s.abs().amax(-1).mean(-1) for name, s in trace.states.items()}
        return {**curves, "": next(iter(curves.values())).mean()}
'''

UNIT = '''\
"""A leaky average of the maps of a layer, at the same rate everywhere."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from urnn_bench.cells.units.base import Unit


class Weights(NamedTuple):
    rate: torch.Tensor


class Average(Unit):
    def __init__(self, channels, kernel_size, options):
        super().__init__(channels, kernel_size, options)
        self.rate = nn.Parameter(torch.tensor(0.5))

    def weights(self):
        return Weights(self.rate)

    def step(self, x, state, w):
        return (state[0] + w.rate * (functional.elu(x) - state[0]),)
'''
