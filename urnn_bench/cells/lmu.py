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
from urnn_bench.cells._memory import Memory, RuleName, WindowOptions, by_columns, window_memory
from urnn_bench.cells._memory_network import MemoryNetwork
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


class Lmu(MemoryNetwork[Weights]):
    """The LMU of one memory; its states start at zero."""

    Options = LmuOptions
    options: LmuOptions
    state_names = ("h", "m")
    memory_state = "m"
    kernels = {"c": hippo.LMU}

    def __init__(self, inputs: int, hidden: int, options: LmuOptions) -> None:
        super().__init__(inputs, hidden, options)
        starts = _STARTS[options.start]
        self.e_x, self.e_h = starts.encoder(self.width), starts.hidden_encoder(hidden)
        self.e_m = _init.zeros(1, self.order)
        self.w_x, self.w_h = starts.matrix(hidden, self.width), starts.matrix(hidden, hidden)
        self.w_m = _init.normal(hidden, self.order, deviation=sqrt(2 / (hidden + self.order)))

    def new_memory(self, order: int) -> Memory:
        """Return the Legendre delay of the window."""
        return window_memory(lmu(order), self.options, 1 / self.options.window)

    def weights(self) -> Weights:
        """Return the parameters, those of f above those of h, and the memory's A and B."""
        return Weights(
            torch.cat([self.e_x, self.w_x]),
            torch.cat([self.e_h, self.w_h]),
            self.e_m,
            self.w_m,
            self.memory.weights(self.e_x),
        )

    def input_share(self, x: Tensor, w: Weights) -> Tensor:
        """Return the share of the input in f and h: (T, B, F) to (T, B, 1 + H)."""
        return nn.functional.linear(x, by_columns(w.w_x))

    def advance(self, u: Tensor, time: Tensor | None, state: State, w: Weights) -> State:
        """Return h, m and the clock."""
        h, memory = state[0], tuple(state[1:])
        sums = torch.addmm(u, h, w.w_h.T)
        f = torch.addmm(sums[:, :1], memory[0], w.e_m.T)
        memory = self.memory.advance(f, memory, time, w.memory)
        return (torch.tanh(torch.addmm(sums[:, 1:], memory[0], w.w_m.T)), *memory)

    def flops(self) -> float:
        """Three products to h and to f, the memory as a product with Ā, and a tanh of each unit."""
        seen = self.width + self.hidden + self.order
        memory = 2 * self.order * (self.order + 1)
        return 2 * (self.hidden + 1) * seen + memory + self.hidden


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
