"""A recurrence whose input drive is normalised as Adam normalises a gradient.

Nguyen et al. (2020), arXiv:2006.06919, as their released code has it, with g_t = W x_t + b_x:

    v_t = μ v_{t-1} + ε g_t,   s_t = β s_{t-1} + (1 - β) g_t²,   drive v_t / √(s_t + δ) + b_h.

There is no factor 1 - μ and no correction of the start. The squares do not commute with W, so both
filters run on the drive, which is as wide as the gates; they hold no h, so they run over all steps
before the recurrence does.
With δ = 1e-16 the derivative at g = 0, s = 0 is ε/√δ = ε·1e8: blank inputs without a bias, as in
copying memory or at the border of a digit, have gradients of that size (``stabiliser`` changes it).

T steps, B batch, F input features, H hidden width, G rows of W.
"""

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import linear

from urnn_bench.cells._filtered import (
    TIME_LOOP_DEVICES,
    FilteredCell,
    MomentumOptions,
    StepOptions,
    wrap_kernels,
)
from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Implementation, Kernel
from urnn_bench.kernels.normaliser import Coefficients, normalise
from urnn_bench.kernels.time_loop import State, W, stacked, unroll
from urnn_bench.kernels.weights import InputWeights
from urnn_bench.spec.types import Fraction

V = TypeVar("V", bound=InputWeights)


class RmspropOptions(StepOptions):
    """Normalisation by a running mean of squares."""

    beta: Fraction = Field(0.9, description="β, in [0, 1), of the mean of squares")
    stabiliser: float = Field(
        1e-16, ge=1e-37, description="δ, within the root; the gradient at a drive of zero is ε/√δ"
    )


class AdamOptions(MomentumOptions, RmspropOptions):
    """Normalisation and momentum."""

    beta: Fraction = Field(0.1, description="β, in [0, 1), of the mean of squares")


class NormalisedCell(FilteredCell[V]):
    """The inner cell sees v_t / √(s_t + δ), and its own bias."""

    options: RmspropOptions

    def __init__(self, inputs: int, hidden: int, options: RmspropOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.rows = len(self.plain.get_parameter("w_x"))

    def outer_bias(self, w: V) -> Tensor | float:
        """Return the bias that is not normalised (G)."""
        return w.bias

    def drive(self, x: Tensor, w: V) -> Tensor:
        """Return g: (T, B, G)."""
        return linear(self.with_bias_input(x), w.w_x)

    def step(self, u: Tensor, state: State, w: V) -> State:
        """Return the inner cell's next state after both filters'."""
        *inner, v, s = state
        o = self.options
        v = self._momentum() * v + o.step_size * u
        s = o.beta * s + (1 - o.beta) * u.square()
        # δ within the root, as released; Adam adds it to the root (Kingma and Ba 2015)
        drive = v * torch.rsqrt(s + o.stabiliser) + self.outer_bias(w)
        return (*self.plain.step(drive, tuple(inner), w), v, s)

    def normalised(self, g: Tensor, v: Tensor, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the drive (T, B, G) of all steps, without b_h, and the last v and s (B, G)."""
        o = self.options
        by = Coefficients(self._momentum(), o.step_size, o.beta, o.stabiliser)
        return normalise(g, v, s, by)

    def initial_state(self, batch: int) -> State:
        """Return the inner cell's initial state, and zeros."""
        inner = self.plain.initial_state(batch)
        zeros = inner[0].new_zeros(batch, self.rows)
        return (*inner, zeros, zeros)

    def _momentum(self) -> float:
        """Return μ; without it, zero."""
        return float(getattr(self.options, "momentum", 0.0))


class _FinishedDrive(Generic[W]):
    """The inner cell, for kernels that are given its drive in place of its input."""

    def __init__(self, inner: Cell[W]) -> None:
        self.step = inner.step

    def drive(self, x: Tensor, w: object) -> Tensor:  # noqa: ARG002
        return x


class _Normalised(Protocol[W]):
    """What the kernels of a normalised cell need of it."""

    @property
    def plain(self) -> Cell[W]:
        """The inner cell."""

    def drive(self, x: Tensor, w: W, /) -> Tensor:
        """Return g."""

    def outer_bias(self, w: W, /) -> Tensor | float:
        """Return b_h."""

    def normalised(self, g: Tensor, v: Tensor, s: Tensor, /) -> tuple[Tensor, Tensor, Tensor]:
        """Return the drive, and the last v and s."""


def normalised(
    table: Mapping[str, Implementation[_FinishedDrive[W], W]],
) -> Mapping[str, Implementation[_Normalised[W], W]]:
    """Return those of the inner cell's kernels that take a drive, behind the filters.

    Not torch's own, which multiply x by W themselves, and so leave no place between.
    """
    loop: Implementation[_FinishedDrive[W], W] = Implementation(
        TIME_LOOP_DEVICES, unroll, stacked=stacked
    )
    return wrap_kernels({**table, "scan": loop}, _normalise_first, _normalise_stack_first)


def _normalise_first(inner: Kernel[_FinishedDrive[W], W]) -> Kernel[_Normalised[W], W]:
    def run(cell: _Normalised[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        *inner_state, v, s = state
        drive, v, s = cell.normalised(cell.drive(x, w), v, s)
        drive = drive + cell.outer_bias(w)
        hs, last = inner(_FinishedDrive(cell.plain), drive, tuple(inner_state), w)
        return hs, (*last, v, s)

    return run


def _normalise_stack_first(inner: Kernel[_FinishedDrive[W], W]) -> Kernel[_Normalised[W], W]:
    def run(cell: _Normalised[W], x: Tensor, state: State, w: W) -> tuple[Tensor, State]:
        *inner_state, v, s = state
        # the filters have no weights, so the rows of M models are only more rows: (T, M, B, G);
        # the products with W and b_h are each model's own
        drive, v, s = cell.normalised(torch.vmap(cell.drive)(x, w).transpose(0, 1), v, s)
        drive = torch.vmap(lambda d, w: d + cell.outer_bias(w))(drive.transpose(0, 1), w)
        hs, last = inner(_FinishedDrive(cell.plain), drive, tuple(inner_state), w)
        return hs, (*last, v, s)

    return run
