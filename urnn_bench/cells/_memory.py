"""A linear memory of one signal as a part of cells: c' = A c + B f, one step for each sample.

T steps, B batch, N order of the memory.
"""

from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.kernels import sample_times
from urnn_bench.kernels.discretisation import RULES, Bilinear, Rule, Solve, solve, solve_lower
from urnn_bench.kernels.memory_operators import Operator, legs
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config, Count, Positive

RuleName = Literal["bilinear", "forward_euler", "backward_euler", "zero_order_hold"]
assert set(get_args(RuleName)) == RULES.keys()


class MemoryOptions(Config):
    """How a memory is made discrete, and whether samples have times."""

    memory_order: Count | None = Field(
        None, description="N, how many coefficients are kept; by default as many as hidden units"
    )
    discretisation: RuleName = Field(
        "bilinear", description="the rule for a step of the memory's differential equation"
    )
    timestamps: bool = Field(
        False,
        description="the first input is the time of the sample, which the memory alone sees; "
        "samples without times are one unit of it apart",
    )

    @property
    def rule(self) -> Rule:
        """The rule for a step."""
        return RULES[self.discretisation]


class WindowOptions(MemoryOptions):
    """A memory of the last samples."""

    window: Positive = Field(
        100.0,
        ge=1,
        description="θ, how far the memory reaches",
        json_schema_extra={"unit": "steps"},
    )


class Memory(nn.Module, ABC):
    """A memory c (B, N) that is not trained, and how it takes in a sample.

    ``a`` and ``b`` are those of a step or of the differential equation. They are kept in float64
    until the network's precision is chosen.
    """

    has_clock = False
    host_sync_reason = ""
    # why the kernel in C does not compute it, if so
    kernel_obstacle = ""
    # α of the rule if it is LegS over a share of its past; None for Ā c + B̄ f
    legs_alpha: float | None = None

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.a, self.b = (nn.Buffer(tensor) for tensor in operator)

    def weights(self, like: Tensor) -> Operator:
        """Return A (N, N) and B (N) in the precision of a tensor."""
        return Operator(self.a.to(like.dtype), self.b.to(like.dtype))

    def initial_state(self, like: Tensor, batch: int) -> State:
        """Return c (B, N) of zeros, and the clock (B, 2) if there is one."""
        clock = (sample_times.new_clock(like, batch),) if self.has_clock else ()
        return (like.new_zeros(batch, len(self.b)), *clock)

    @abstractmethod
    def advance(self, f: Tensor, state: State, time: Tensor | None, w: Operator) -> State:
        """Return the state after a sample f (B, 1), at a time (B, 1) if samples have times."""


class EvenMemory(Memory):
    """Samples are evenly spaced: one Ā and one B̄ for all steps."""

    def __init__(self, operator: Operator, rule: Rule, interval: float) -> None:
        super().__init__(Operator(*rule.step(operator, interval)))

    def advance(self, f: Tensor, state: State, time: Tensor | None, w: Operator) -> State:  # noqa: ARG002
        """Return Ā c + B̄ f."""
        return (torch.addmm(w.b * f, state[0], w.a.T),)


class ClockedMemory(Memory):
    """Every sample of every sequence has an interval of its own."""

    has_clock = True

    def __init__(self, operator: Operator, rule: Rule, *, lower: bool = False) -> None:
        super().__init__(operator)
        self.rule = rule
        self.solve: Solve = solve_lower if lower else solve
        if not lower or self.rule is RULES["zero_order_hold"]:
            self.host_sync_reason = "the memory solves a linear system for every sample"


class TimedMemory(ClockedMemory):
    """The memory of samples with times; ``interval`` is that of a unit of time."""

    kernel_obstacle = "with timestamps the matrix of this memory is another one for every sample"

    def __init__(
        self,
        operator: Operator,
        rule: Rule,
        interval: float,
        *,
        lower: bool = False,
    ) -> None:
        super().__init__(operator, rule, lower=lower)
        self.interval = interval

    def advance(self, f: Tensor, state: State, time: Tensor | None, w: Operator) -> State:
        """Return c over the time since the last sample, and the clock."""
        c, clock = state
        clock, interval = sample_times.advance(clock, time)
        return self.rule.advance(w, self.interval * interval, c, f, self.solve), clock


class ScaledMemory(ClockedMemory):
    """c' = (A c + B f) / t, t the time since the first sample: no unit of time is in it."""

    kernel_obstacle = "the matrix of this memory is another one at every step"

    def advance(self, f: Tensor, state: State, time: Tensor | None, w: Operator) -> State:
        """Return c and the clock; c after the first sample is what a signal that was always f has.

        That is -A⁻¹ B f, which for LegS is f in its first coefficient.
        """
        c, clock = state
        clock, interval = sample_times.advance(clock, time)
        share, is_first = sample_times.share_of_past(clock, interval)
        moved = self.rule.advance(w, self.rule.scaled(share), c, f, self.solve)
        return torch.where(is_first, -self.solve(w.a, w.b) * f, moved), clock


class LegsMemory(ScaledMemory):
    """LegS, whose A needs no matrix: a product with it, or a solution, is a sum that grows."""

    def __init__(self, order: int, rule: Rule) -> None:
        super().__init__(legs(order), rule, lower=True)
        if isinstance(rule, Bilinear):
            self.kernel_obstacle, self.legs_alpha = "", rule.alpha
        else:
            self.kernel_obstacle = "this rule takes an exponential of LegS at every step"


def window_memory(
    operator: Operator,
    options: MemoryOptions,
    interval: float,
    *,
    lower: bool = False,
) -> Memory:
    """Return the memory of a differential equation without t, by whether samples have times."""
    if options.timestamps:
        return TimedMemory(operator, options.rule, interval, lower=lower)
    return EvenMemory(operator, options.rule, interval)


def by_columns(w_x: Tensor) -> Tensor:
    """Return a matrix of few columns, laid out column after column.

    So its gradient is a product xᵀ du, which for few inputs takes a fifth of the time of duᵀ x.
    """
    return w_x.T.contiguous().T
