"""A recurrence whose input drive passes a filter over time: momentum, as one idea for every cell.

Nguyen, Baraniuk, Bertozzi, Osher and Wang, "MomentumRNN: Integrating Momentum into Recurrent Neural
Networks" (2020), arXiv:2006.06919. A linear filter commutes with the input matrix:

    v_t = a_t v_{t-1} + ε (W x_t + b_x)   is   [W b_x] ṽ_t   with   ṽ_t = a_t ṽ_{t-1} + ε [x_t, 1],

so it is as narrow as the input, holds no h and runs over all steps before the recurrence does; the
inner cell then follows by whatever kernel it has. ṽ is a state like any other, so a sequence can be
cut anywhere and continued.

T steps, B batch, F input features, H hidden width, G gates.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell, recurrent_weights_of
from urnn_bench.kernels.choose import C, Implementation, Kernel
from urnn_bench.kernels.filters import parallel_scan, restarting
from urnn_bench.kernels.time_loop import State, W, stacked, unroll
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


D = TypeVar("D")
C_co = TypeVar("C_co", covariant=True)


class FilterDrive(NamedTuple):
    """What a filter does at each step: a_t, which the batch shares, and what is added."""

    decay: Tensor
    scaled_input: Tensor


class FilteredCell(Cell[W]):
    """A cell of ``inner_type`` behind a filter, whose state follows the inner cell's."""

    inner_type: type[Cell[W]]
    # the inner cell; a checkpoint's keys begin with this name, so it stays as it was first called
    plain: Cell[W]

    def __init__(self, inputs: int, hidden: int, options: Config) -> None:
        super().__init__(inputs, hidden, options)
        self.plain = self.inner_type(inputs, hidden, options)
        self.host_sync_reason = self.inner_type.host_sync_reason
        self.biased = getattr(options, "input_bias", False)
        if self.biased:
            w_x = self.plain.get_parameter("w_x")
            # b_x is a column of W with an input of 1. It is added here and not passed to the inner
            # cell as one more input: Glorot's bound and the draws of W stay those without it
            self.plain.w_x = nn.Parameter(torch.cat([w_x, torch.zeros_like(w_x[:, :1])], 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Change the inner cell's initial values, if there is anything to change."""

    @property
    def features(self) -> int:
        """As many as those of the inner cell."""
        return self.plain.features

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return those of the inner cell."""
        return self.plain.orthogonal_parameters()

    def flops(self) -> float | None:
        """Those of the inner cell, and three of the filter for each input."""
        inner = self.plain.flops()
        return None if inner is None else inner + 3 * (self.inputs + self.biased)

    def on_update_end(self, step: int) -> None:
        """Tell the inner cell."""
        self.plain.on_update_end(step)

    def weights(self) -> W:
        """Return those of the inner cell; b_x is the last column of W."""
        return self.plain.weights()

    def recurrent_weights(self, w: W) -> tuple[Tensor, ...]:
        """Return those of the inner cell; what the filter and W make holds no h."""
        return recurrent_weights_of(self.plain, w, self.inputs + self.biased)

    def readout_features(self, h: Tensor) -> Tensor:
        """Return what the inner cell's readout sees."""
        return self.plain.readout_features(h)

    def with_bias_input(self, x: Tensor) -> Tensor:
        """Return x (..., F) with a 1 appended, which b_x is multiplied by: (..., F + 1).

        Without a bias within the filter, x itself.
        """
        return torch.cat([x, torch.ones_like(x[..., :1])], -1) if self.biased else x


class LinearlyFilteredCell(FilteredCell[W]):
    """v_t = a_t v_{t-1} + ε [x_t, 1], and the inner cell sees v; a subclass says what a_t is."""

    options: StepOptions

    @abstractmethod
    def decay(self, x: Tensor) -> Tensor:
        """Return a_t for every step of x (T, B, F), of its type and where it is: (T)."""

    def drive(self, x: Tensor, w: object) -> FilterDrive:  # noqa: ARG002  W comes after the filter
        """Return a_t (T) and ε [x_t, 1]: (T, B, F + 1), or F without a bias."""
        return FilterDrive(self.decay(x), self.options.step_size * self.with_bias_input(x))

    def step(self, u: FilterDrive, state: State, w: W) -> State:
        """Return the inner cell's next state after the filter's."""
        *inner, v = state
        v = torch.addcmul(u.scaled_input, u.decay, v)
        return (*self.plain.step(self.plain.drive(v, w), tuple(inner), w), v)

    def initial_state(self, batch: int) -> State:
        """Return the inner cell's initial state, and zeros."""
        inner = self.plain.initial_state(batch)
        # real also where h is complex: the filter acts on inputs
        return (*inner, inner[0].real.new_zeros(batch, self.inputs + self.biased))


class _Filtered(Protocol[C_co]):
    """What the kernels of a linearly filtered cell need of it, if the inner one's need C."""

    @property
    def plain(self) -> C_co:
        """The inner cell."""

    @property
    def options(self) -> StepOptions:
        """Where ε is."""

    def decay(self, x: Tensor, /) -> Tensor:
        """Return a_t."""

    def with_bias_input(self, x: Tensor, /) -> Tensor:
        """Return [x, 1]."""


TIME_LOOP_DEVICES = frozenset({"cpu", "cuda", "mps"})


def filtered(
    table: Mapping[str, Implementation[C, W]],
) -> Mapping[str, Implementation[_Filtered[C], W]]:
    """Return the inner cell's kernels behind a scan, and its time loop behind one as "scan"."""
    # the time loop runs every cell; that C is one, a type variable's bound cannot say
    loop = Implementation(
        TIME_LOOP_DEVICES,
        cast("Kernel[C, W]", unroll),
        stacked=cast("Kernel[C, W]", stacked),
    )
    return wrap_kernels({**table, "scan": loop}, _filter_first, _filter_stack_first)


def wrap_kernels(
    table: Mapping[str, Implementation[C, W]],
    wrap: Callable[[Kernel[C, W]], Kernel[D, W]],
    wrap_stacked: Callable[[Kernel[C, W]], Kernel[D, W]],
) -> Mapping[str, Implementation[D, W]]:
    """Return an inner cell's kernels with something in front that does not depend on h.

    ``wrap`` makes the whole cell's kernel of the inner one's; ``wrap_stacked`` does the same for a
    stack of models.
    """
    return {
        name: Implementation(
            kernel.devices,
            wrap(kernel.run),
            kernel.unavailable_for,
            kernel.own_threads,
            kernel.linear,
            None if kernel.stacked is None else wrap_stacked(kernel.stacked),
            kernel.warm_up,
        )
        for name, kernel in table.items()
    }


def _filter_first(inner: Kernel[C, W]) -> Kernel[_Filtered[C], W]:
    def run(cell: _Filtered[C], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        *inner_state, v_0 = state
        v = _filtered_input(cell, x, v_0)
        hs, last = inner(cell.plain, v, tuple(inner_state), w)
        return hs, (*last, v[-1])

    return run


def _filter_stack_first(inner: Kernel[C, W]) -> Kernel[_Filtered[C], W]:
    def run(cell: _Filtered[C], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        *inner_state, v_0 = state
        # the filter has no weights, so the rows of M models are only more rows: (T, M, B, F)
        v = _filtered_input(cell, x.transpose(0, 1), v_0)
        hs, last = inner(cell.plain, v.transpose(0, 1), tuple(inner_state), w)
        return hs, (*last, v[-1])

    return run


def _filtered_input(cell: _Filtered[C], x: Tensor, v_0: Tensor) -> Tensor:
    """Return v (T, ..., F) of x (T, ..., F) and v_0 (..., F)."""
    u = cell.options.step_size * cell.with_bias_input(x)
    return parallel_scan(cell.decay(x), u, v_0)


class Momentum(LinearlyFilteredCell[W]):
    """Heavy-ball momentum: a_t = μ."""

    options: MomentumOptions

    def decay(self, x: Tensor) -> Tensor:
        """Return μ for every step."""
        return x.new_full((len(x),), self.options.momentum)


class Nesterov(LinearlyFilteredCell[W]):
    """Nesterov's momentum: a_t = (t - 1)/(t + 2), from 1 again after every ``restart`` if given."""

    time_varying = True

    def decay(self, x: Tensor) -> Tensor:
        """Return (k - 1)/(k + 2) for every step, k counting to the next restart."""
        return restarting(x, getattr(self.options, "restart", 0))
