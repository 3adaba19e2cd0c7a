"""Legendre memory unit: a plain network beside a memory of a window of what it writes there.

Voelker, Kajić and Eliasmith (2019), NeurIPS 32, equations 1, 2, 7 and 8:

    f_t = e_x x_t + e_h h_{t-1} + e_m m_{t-1}      m_t = Ā m_{t-1} + B̄ f_t
    h_t = tanh(W_x x_t + W_h h_{t-1} + W_m m_t)

There are no biases. HiPPO (Gu et al. 2020, arXiv:2008.07669) compares with one that starts with
e_x of ones and e_h, e_m, W_x and W_h of zeros.

T steps, B batch, F input features without the time, H hidden width, N order of the memory.
"""

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells._memory import RuleName, WindowOptions, by_columns, window_memory
from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.memory_operators import Operator, lmu
from urnn_bench.kernels.native import hippo
from urnn_bench.kernels.time_loop import State


class LmuOptions(WindowOptions):
    """How an LMU starts, and its memory."""

    discretisation: RuleName = Field(
        "zero_order_hold", description="the rule for a step of the memory's differential equation"
    )
    start: Literal["original", "hippo"] = Field(
        "original",
        description="original: e_x and e_h random, e_m 0, matrices by Glorot's rule; hippo: e_x 1, "
        "e_h, e_m, W_x and W_h 0, the baseline of the HiPPO paper",
    )


class Weights(NamedTuple):
    """e_x and W_x (1 + H, F), e_h and W_h (1 + H, H), e_m (1, N), W_m (H, N), and the memory."""

    w_x: Tensor
    w_h: Tensor
    e_m: Tensor
    w_m: Tensor
    memory: Operator


class Drive(NamedTuple):
    """The input's share of f and h, (T, B, 1 + H), and the time of each sample (T, B, 1)."""

    u: Tensor
    time: Tensor


class Lmu(Cell[Weights]):
    """The LMU of one memory; its states start at zero."""

    Options = LmuOptions
    options: LmuOptions
    state_names = ("h", "m")
    kernels = {"c": hippo.LMU}

    def __init__(self, inputs: int, hidden: int, options: LmuOptions) -> None:
        super().__init__(inputs, hidden, options)
        order, width = options.memory_order or hidden, inputs - options.timestamps
        if not width:
            raise ValueError("with timestamps there must be an input beside the time")
        self.first_input_is_time = options.timestamps
        self.width = width
        self.memory = window_memory(lmu(order), options, 1 / options.window)
        self.host_sync_reason = self.memory.host_sync_reason
        starts = _STARTS[options.start]
        self.e_x, self.e_h = starts.encoder(width), starts.hidden_encoder(hidden)
        self.e_m = _init.zeros(1, order)
        self.w_x, self.w_h = starts.matrix(hidden, width), starts.matrix(hidden, hidden)
        self.w_m = _init.normal(hidden, order, deviation=sqrt(2 / (hidden + order)))
        clock = (StateSpec("clock", memory=False),) if self.memory.has_clock else ()
        self.states = (StateSpec("h"), StateSpec("m"), *clock)

    def weights(self) -> Weights:
        """Return the parameters, those of f above those of h, and the memory's A and B."""
        return Weights(
            torch.cat([self.e_x, self.w_x]),
            torch.cat([self.e_h, self.w_h]),
            self.e_m,
            self.w_m,
            self.memory.weights(self.e_x),
        )

    def drive(self, x: Tensor, w: Weights) -> Tensor | Drive:
        """Return the input's share of f and h, with the times of the samples if given."""
        time, x = x[..., : -self.width], x[..., -self.width :]
        u = nn.functional.linear(x, by_columns(w.w_x))
        # times are data: no gradient goes through them
        return Drive(u, time.detach()) if self.options.timestamps else u

    def step(self, u: Tensor | Drive, state: State, w: Weights) -> State:
        """Return h, m and the clock."""
        u, time = u if isinstance(u, tuple) else (u, None)
        h, memory = state[0], tuple(state[1:])
        sums = torch.addmm(u, h, w.w_h.T)
        f = torch.addmm(sums[:, :1], memory[0], w.e_m.T)
        memory = self.memory.advance(f, memory, time, w.memory)
        return (torch.tanh(torch.addmm(sums[:, 1:], memory[0], w.w_m.T)), *memory)

    def flops(self) -> float:
        """Three products to h and to f, the memory as a product with Ā, and a tanh of each unit."""
        order = len(self.memory.b)
        seen = self.width + self.hidden + order
        return 2 * (self.hidden + 1) * seen + 2 * order * (order + 1) + self.hidden

    def initial_state(self, batch: int) -> State:
        """Return zeros for h and m, and a clock before the first sample."""
        return (self.e_x.new_zeros(batch, self.hidden), *self.memory.initial_state(self.e_x, batch))


def _lecun(fan_in: int) -> nn.Parameter:
    """Return an encoder (1, fan_in), LeCun uniform."""
    return _init.uniform(1, fan_in, bound=sqrt(3 / fan_in))


def _glorot(rows: int, columns: int) -> nn.Parameter:
    return _init.normal(rows, columns, deviation=sqrt(2 / (rows + columns)))


def _ones(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(shape))


class _Start(NamedTuple):
    """What makes e_x (1, F) and e_h (1, H), and what makes W_x and W_h."""

    encoder: Callable[[int], nn.Parameter]
    hidden_encoder: Callable[[int], nn.Parameter]
    matrix: Callable[[int, int], nn.Parameter]


_STARTS = {
    "original": _Start(_lecun, _lecun, _glorot),
    "hippo": _Start(partial(_ones, 1), partial(_init.zeros, 1), _init.zeros),
}
