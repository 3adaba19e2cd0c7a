"""A gated network around a memory that projects its past onto polynomials.

Gu, Dao, Ermon, Rudra and Ré, "HiPPO: Recurrent Memory with Optimal Polynomial Projections" (2020),
arXiv:2008.07669, section 2.5 and figure 2. In the order of the authors' released code, with
σ the sigmoid and [a; b] one vector after another:

    f_t = w_f [x_t; h_{t-1}] + b_f       c_t = memory(c_{t-1}, f_t)
    g_t = σ(W_g [x_t; c_t] + b_g)        h_t = (1 - g_t) h_{t-1} + g_t tanh(W_n [x_t; c_t] + b_n)

In the order of the paper's figure, h_t is made of c_{t-1} and then f_t = w_f h_t + b_f.

T steps, B batch, F input features without the time, H hidden width, N order of the memory.
"""

from math import sqrt
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells._memory import MemoryOptions, WindowOptions, by_columns
from urnn_bench.cells._memory_network import MemoryNetwork
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


def gated(a: Tensor, h: Tensor) -> Tensor:
    """Return (1 - g) h + g tanh(n), of pre-activations g and n (B, 2H)."""
    g, n = a.chunk(2, dim=-1)
    return torch.lerp(h, torch.tanh(n), torch.sigmoid(g))


class HippoCell(MemoryNetwork[Weights]):
    """The gated network; a subclass makes the memory."""

    state_names = ("h", "c")
    memory_state = "c"
    Options = HippoOptions
    options: HippoOptions
    kernels = {"c": hippo.GATED}

    def __init__(self, inputs: int, hidden: int, options: HippoOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.reads_h_alone = options.wiring == "paper"
        seen, fan_in = hidden + (not self.reads_h_alone) * self.width, self.width + self.order
        self.w_f, self.bias_f = _init.uniform(1, seen, bound=sqrt(3 / seen)), _bias(1, seen)
        self.w_g = _init.normal(hidden, fan_in, deviation=1 / sqrt(fan_in))
        self.w_n = _init.normal(hidden, fan_in, deviation=sqrt(2 / (fan_in + hidden)))
        self.bias_g, self.bias_n = (_bias(hidden, fan_in) for _ in range(2))

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

    def input_share(self, x: Tensor, w: Weights) -> Tensor:
        """Return the share of the input in f, g and n: (T, B, F) to (T, B, 1 + 2H)."""
        return nn.functional.linear(x, by_columns(w.w_x), w.bias)

    def advance(self, u: Tensor, time: Tensor | None, state: State, w: Weights) -> State:
        """Return h, c and the clock, the memory first or the network."""
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
        gates = 4 * self.hidden * (self.width + self.order + 1)
        memory = 2 * (self.order * (self.order + 1) + self.width + self.hidden)
        return gates + memory + 7 * self.hidden


def _bias(size: int, fan_in: int) -> nn.Parameter:
    """Return biases as torch.nn.Linear draws them."""
    return _init.uniform(size, bound=1 / sqrt(fan_in))
