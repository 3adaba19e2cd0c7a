"""A gated network around a memory that projects its past onto polynomials.

Gu, Dao, Ermon, Rudra and Ré, "HiPPO: Recurrent Memory with Optimal Polynomial Projections" (2020),
arXiv:2008.07669, section 2.5 and figure 2. In the order of the authors' released code, with
σ the sigmoid and [a; b] one vector after another:

    f_t = w_f [x_t; h_{t-1}] + b_f       c_t = memory(c_{t-1}, f_t)
    g_t = σ(W_g [x_t; c_t] + b_g)        h_t = (1 - g_t) h_{t-1} + g_t tanh(W_n [x_t; c_t] + b_n)

In the order of the paper's figure, h_t is made of c_{t-1} and then f_t = w_f h_t + b_f.

T steps, B batch, F input features without the time, H hidden width, N order of the memory.
"""

from abc import abstractmethod
from math import sqrt
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells._memory import Memory, MemoryOptions, WindowOptions, by_columns
from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.memory_operators import Operator
from urnn_bench.kernels.native import hippo
from urnn_bench.kernels.time_loop import State


class HippoOptions(MemoryOptions):
    """How the network and its memory follow each other."""

    wiring: Literal["released", "paper"] = Field(
        "released",
        description="released: the gates see the memory with this step's sample, as in the "
        "authors' code; paper: that of the step before, as in figure 2",
    )


class HippoWindowOptions(HippoOptions, WindowOptions):
    """The same for a memory of the last samples."""


class Weights(NamedTuple):
    """W_x (1 + 2H, F) and bias (1 + 2H) of f, g and n, w_f (1, H), W_c (2H, N), and the memory."""

    w_x: Tensor
    bias: Tensor
    w_f: Tensor
    w_c: Tensor
    memory: Operator


class Drive(NamedTuple):
    """The input's share of f, g and n, (T, B, 1 + 2H), and the time of each sample (T, B, 1)."""

    u: Tensor
    time: Tensor


def gated(a: Tensor, h: Tensor) -> Tensor:
    """Return (1 - g) h + g tanh(n), of pre-activations g and n (B, 2H)."""
    g, n = a.chunk(2, dim=-1)
    return torch.lerp(h, torch.tanh(n), torch.sigmoid(g))


class HippoCell(Cell[Weights]):
    """The gated network; a subclass makes the memory."""

    state_names = ("h", "c")
    Options = HippoOptions
    options: HippoOptions
    kernels = {"c": hippo.GATED}

    def __init__(self, inputs: int, hidden: int, options: HippoOptions) -> None:
        super().__init__(inputs, hidden, options)
        order, width = options.memory_order or hidden, inputs - options.timestamps
        if not width:
            raise ValueError("with timestamps there must be an input beside the time")
        self.first_input_is_time = options.timestamps
        self.width, self.reads_h_alone = width, options.wiring == "paper"
        self.memory = self.new_memory(order)
        self.host_sync_reason = self.memory.host_sync_reason
        seen = hidden + (0 if self.reads_h_alone else width)
        self.w_f, self.bias_f = _init.uniform(1, seen, bound=sqrt(3 / seen)), _bias(1, seen)
        self.w_g = _init.normal(hidden, width + order, deviation=1 / sqrt(width + order))
        self.w_n = _init.normal(hidden, width + order, deviation=sqrt(2 / (width + order + hidden)))
        self.bias_g, self.bias_n = (_bias(hidden, width + order) for _ in range(2))
        clock = (StateSpec("clock", memory=False),) if self.memory.has_clock else ()
        self.states = (StateSpec("h"), StateSpec("c"), *clock)

    @abstractmethod
    def new_memory(self, order: int) -> Memory:
        """Return the memory of an order N."""

    def weights(self) -> Weights:
        """Return the parameters, those of the input apart, and the memory's A and B."""
        of_f = (
            self.w_f.new_zeros(1, self.width) if self.reads_h_alone else self.w_f[:, : self.width]
        )
        of_h = self.w_f[:, -self.hidden :]
        gates = torch.cat([self.w_g, self.w_n])
        of_x, of_c = gates[:, : self.width], gates[:, self.width :]
        bias = torch.cat([self.bias_f, self.bias_g, self.bias_n])
        return Weights(torch.cat([of_f, of_x]), bias, of_h, of_c, self.memory.weights(self.w_f))

    def drive(self, x: Tensor, w: Weights) -> Tensor | Drive:
        """Return the share of the input in f, g and n, with the times of the samples if given."""
        time, x = x[..., : -self.width], x[..., -self.width :]
        u = nn.functional.linear(x, by_columns(w.w_x), w.bias)
        # times are data: no gradient goes through them
        return Drive(u, time.detach()) if self.options.timestamps else u

    def step(self, u: Tensor | Drive, state: State, w: Weights) -> State:
        """Return h, c and the clock, the memory first or the network."""
        u, time = u if isinstance(u, tuple) else (u, None)
        h, memory = state[0], tuple(state[1:])
        if self.reads_h_alone:
            h = self._network(u, h, memory[0], w)
        f = torch.addmm(u[:, :1], h, w.w_f.T)
        memory = self.memory.advance(f, memory, time, w.memory)
        if not self.reads_h_alone:
            h = self._network(u, h, memory[0], w)
        return (h, *memory)

    def _network(self, u: Tensor, h: Tensor, c: Tensor, w: Weights) -> Tensor:
        return gated(torch.addmm(u[:, 1:], c, w.w_c.T), h)

    def flops(self) -> float:
        """Two gates, the memory as a product with Ā, and seven operations of each unit."""
        order = len(self.memory.b)
        gates = 4 * self.hidden * (self.width + order + 1)
        return gates + 2 * (order * (order + 1) + self.width + self.hidden) + 7 * self.hidden

    def initial_state(self, batch: int) -> State:
        """Return zeros for h and c, and a clock before the first sample."""
        return (self.w_f.new_zeros(batch, self.hidden), *self.memory.initial_state(self.w_f, batch))


def _bias(size: int, fan_in: int) -> nn.Parameter:
    """Return biases as torch.nn.Linear draws them."""
    return _init.uniform(size, bound=1 / sqrt(fan_in))
