"""A recurrence whose input drive passes a filter over time: momentum, as one idea for every cell.

Nguyen, Baraniuk, Bertozzi, Osher and Wang, "MomentumRNN: Integrating Momentum into Recurrent Neural
Networks" (2020), arXiv:2006.06919. A linear filter commutes with the input matrix:

    v_t = a_t v_{t-1} + ε (W x_t + b_x)   is   [W b_x] ṽ_t   with   ṽ_t = a_t ṽ_{t-1} + ε [x_t, 1],

so it is as narrow as the input, holds no h, runs over all steps at once, and the plain cell follows
by whatever kernel it has. ṽ is a state like any other: a sequence can be cut and gone on with.

T steps, B batch, F input features, H hidden width, G gates.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Implementation, Kernel
from urnn_bench.kernels.filters import parallel_scan, restarting
from urnn_bench.kernels.time_loop import State, stacked, unroll
from urnn_bench.spec.types import Config, Count, Fraction, Positive


class StepOptions(Config):
    """What every filter scales its input by."""

    step_size: Positive = Field(0.6, description="ε, on the projected input")


class MomentumOptions(StepOptions):
    """A filter of one pole."""

    momentum: Fraction = Field(0.6, description="μ, in [0, 1); 0 scales the input and no more")


class RestartOptions(StepOptions):
    """A filter that starts anew."""

    restart: Count = Field(
        40, description="F, steps between restarts", json_schema_extra={"unit": "steps"}
    )


class BiasOptions(Config):
    """The bias within the filter, which the released code has and the paper has not."""

    input_bias: bool = Field(
        True, description="b_x, filtered with the input, beside the plain bias"
    )


class FilteredCell(Cell):
    """A cell of ``kind`` behind a filter, whose state stands behind the plain cell's."""

    kind: ClassVar[type[Cell]]
    options: Any

    def __init__(self, inputs: int, hidden: int, options: Any) -> None:
        super().__init__(inputs, hidden, options)
        self.plain = self.kind(inputs, hidden, options)
        self.host_sync_reason = self.kind.host_sync_reason
        self.biased = getattr(options, "input_bias", False)
        if self.biased:
            w_x = self.plain.get_parameter("w_x")
            # after the input's columns, which start as they do without it
            self.plain.w_x = nn.Parameter(torch.cat([w_x, torch.zeros_like(w_x[:, :1])], 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Change the plain cell's initial values, if there is anything to change."""

    @property
    def features(self) -> int:
        """As many as those of the plain cell."""
        return self.plain.features

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of the plain cell."""
        return self.plain.orthogonal_parameters()

    def flops(self) -> float | None:
        """Those of the plain cell, and three of the filter for each input."""
        plain = self.plain.flops()
        return None if plain is None else plain + 3 * (self.inputs + self.biased)

    def on_update_end(self, step: int) -> None:
        """Tell the plain cell."""
        self.plain.on_update_end(step)

    def weights(self) -> Any:
        """Return those of the plain cell; b_x is the last column of W."""
        return self.plain.weights()

    def readout_features(self, h: Tensor) -> Tensor:
        """Return what the plain cell's readout sees."""
        return self.plain.readout_features(h)

    def widened(self, x: Tensor) -> Tensor:
        """Return the input with the constant 1 beside it that b_x is multiplied by."""
        return torch.cat([x, torch.ones_like(x[..., :1])], -1) if self.biased else x


class LinearlyFilteredCell(FilteredCell):
    """v_t = a_t v_{t-1} + ε [x_t, 1], and the plain cell sees v; a subclass says what a_t is."""

    @abstractmethod
    def decay(self, x: Tensor) -> Tensor:
        """Return a_t for every step of x (T, B, F), of its type and where it is: (T)."""

    def drive(self, x: Tensor, w: Any) -> Tensor:  # noqa: ARG002  W comes after the filter
        """Return a_t and ε [x_t, 1]: (T, B, 1 + F + 1), or one less without a bias."""
        decay = self.decay(x).view(-1, 1, 1).expand(-1, x.shape[1], -1)
        return torch.cat([decay, self.options.step_size * self.widened(x)], -1)

    def step(self, u: Tensor, state: State, w: Any) -> State:
        """Return the plain cell's next state after the filter's."""
        *plain, v = state
        v = torch.addcmul(u[..., 1:], u[..., :1], v)
        return (*self.plain.step(self.plain.drive(v, w), tuple(plain), w), v)

    def initial_state(self, batch: int) -> State:
        """Return the plain cell's initial state, and zeros."""
        plain = self.plain.initial_state(batch)
        return (*plain, plain[0].real.new_zeros(batch, self.inputs + self.biased))


def filtered(table: Mapping[str, Implementation]) -> Mapping[str, Implementation]:
    """Return the plain cell's kernels behind a scan, and the plain time loop behind one."""
    return wrap_kernels(table, _filtering, _filtering_at_once)


def wrap_kernels(
    table: Mapping[str, Implementation],
    one: Callable[[Kernel], Kernel],
    several: Callable[[Kernel], Kernel],
) -> Mapping[str, Implementation]:
    """Return the plain cell's kernels, and its time loop as "scan", behind what runs before them.

    ``one`` makes a kernel of the whole cell of the plain one's, ``several`` that of models at once.
    """
    loop = Implementation(frozenset({"cpu", "cuda", "mps"}), unroll, stacked=stacked)
    return {name: _behind(each, one, several) for name, each in {**table, "scan": loop}.items()}


def _behind(
    implementation: Implementation,
    one: Callable[[Kernel], Kernel],
    several: Callable[[Kernel], Kernel],
) -> Implementation:
    def obstacle(cell: Any) -> str | None:
        return implementation.obstacle(cell.plain)

    at_once = implementation.stacked and several(implementation.stacked)
    return replace(implementation, run=one(implementation.run), obstacle=obstacle, stacked=at_once)


def _filtering(of_plain: Kernel) -> Kernel:
    def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
        *plain, before = state
        v = _over_time(cell, x, before)
        hs, last = of_plain(cell.plain, v, tuple(plain), w)
        return hs, (*last, v[-1])

    return run


def _filtering_at_once(of_models: Kernel) -> Kernel:
    def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
        *plain, before = state
        # rows of several models are rows like any other
        v = _over_time(cell, x.transpose(0, 1), before)
        hs, last = of_models(cell.plain, v.transpose(0, 1), tuple(plain), w)
        return hs, (*last, v[-1])

    return run


def _over_time(cell: Any, x: Tensor, before: Tensor) -> Tensor:
    """Return the filtered input (T, ..., F), T first."""
    return parallel_scan(cell.decay(x), cell.options.step_size * cell.widened(x), before)


class Momentum(LinearlyFilteredCell):
    """Heavy-ball momentum: a_t = μ."""

    def decay(self, x: Tensor) -> Tensor:
        """Return μ for every step."""
        return x.new_full((len(x),), self.options.momentum)


class Nesterov(LinearlyFilteredCell):
    """Nesterov's momentum: a_t = (t - 1)/(t + 2), from 1 again after every ``restart`` if given."""

    time_varying = True

    def decay(self, x: Tensor) -> Tensor:
        """Return (k - 1)/(k + 2) for every step, k counting to the next restart."""
        return restarting(x, getattr(self.options, "restart", 0))
