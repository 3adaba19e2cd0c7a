"""Memories alone, one for each input: nothing is trained, and a readout sees the coefficients.

Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, theorems 1 and 2. The operators are those of
the gated networks, without the network: a control of it, and the memory of function approximation.

T steps, B batch, F input features, N = ⌈H / F⌉ order of each memory.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Literal

from pydantic import Field
from torch import Tensor

from urnn_bench.cells._memory import EvenMemory, LegsMemory, Memory, RuleName, ScaledMemory
from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.kernels.discretisation import RULES
from urnn_bench.kernels.linear_memory import PIECES
from urnn_bench.kernels.memory_operators import Operator, lagt, legt, random, random_scaled
from urnn_bench.kernels.native.legs import LEGS
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class HippoMemoryOptions(Config):
    """Which memory."""

    measure: Literal["legs", "legt", "lagt", "random", "random_scaled"] = Field(
        "legs",
        description="which times of the past count, or a random operator; random_scaled has LegS's "
        "1/t",
    )
    window: float = Field(
        100.0,
        ge=1,
        description="θ of legt and random, and 1/Δt of lagt",
        json_schema_extra={"unit": "steps"},
    )
    discretisation: RuleName = Field(
        "bilinear", description="the rule for a step of the memory's differential equation"
    )


class HippoMemory(Cell[Operator]):
    """The coefficients c of every input, side by side: h (B, F N)."""

    Options = HippoMemoryOptions
    options: HippoMemoryOptions
    states = (StateSpec("h"), StateSpec("clock", memory=False))
    kernels = {"c": LEGS, "pieces": PIECES}

    def __init__(self, inputs: int, hidden: int, options: HippoMemoryOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.order = ceil(hidden / inputs)
        self.memory = _MEMORIES[options.measure](self.order, options)
        self.host_sync_reason = self.memory.host_sync_reason
        clock = (StateSpec("clock", memory=False),) if self.memory.has_clock else ()
        self.states = (StateSpec("h"), *clock)

    @property
    def features(self) -> int:
        """All coefficients: H, rounded up to a multiple of F."""
        return self.inputs * self.order

    def weights(self) -> Operator:
        """Return A and B."""
        return self.memory.weights(self.memory.a)

    def drive(self, x: Tensor, w: Operator) -> Tensor:  # noqa: ARG002
        """Return the inputs as they are: (T, B, F)."""
        return x

    def step(self, u: Tensor, state: State, w: Operator) -> State:
        """Return the coefficients after one more sample of each input, and the clock."""
        # every input of every sequence is a row of its own
        rows = (
            state[0].view(-1, len(w.b)),
            *(s.repeat_interleave(self.inputs, 0) for s in state[1:]),
        )
        c, *clock = self.memory.advance(u.reshape(-1, 1), rows, None, w)
        return (c.view(len(u), -1), *(s[:: self.inputs] for s in clock))

    def initial_state(self, batch: int) -> State:
        """Return zeros, and a clock before the first sample."""
        c, *clock = self.memory.initial_state(self.memory.a, batch)
        return (c.repeat(1, self.inputs), *clock)

    def flops(self) -> float:
        """Two for each entry of A."""
        return 2 * self.inputs * self.order**2


def _even(operator: Callable[[int], Operator]) -> "_NewMemory":
    def new(order: int, options: HippoMemoryOptions) -> Memory:
        rule = RULES[options.discretisation]
        return EvenMemory(operator(order), rule, 1 / options.window)

    return new


def _legs(order: int, options: HippoMemoryOptions) -> Memory:
    return LegsMemory(order, RULES[options.discretisation])


def _random_scaled(order: int, options: HippoMemoryOptions) -> Memory:
    return ScaledMemory(random_scaled(order), RULES[options.discretisation])


_NewMemory = Callable[[int, HippoMemoryOptions], Memory]
_MEMORIES: Mapping[str, _NewMemory] = {
    "legs": _legs,
    "legt": _even(legt),
    "lagt": _even(lagt),
    "random": _even(random),
    "random_scaled": _random_scaled,
}
