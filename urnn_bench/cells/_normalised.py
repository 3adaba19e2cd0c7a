"""A recurrence whose input drive is normalised as Adam normalises a gradient.

Nguyen et al. (2020), arXiv:2006.06919, as their released code has it, with g_t = W x_t + b_x:

    v_t = μ v_{t-1} + ε g_t,   s_t = β s_{t-1} + (1 - β) g_t²,   drive v_t / √(s_t + δ) + b_h.

There is no factor 1 - μ and no correction of the start. The squares do not commute with W, so both
filters run on the drive, which is as wide as the gates; they hold no h, so over all steps at once.
With δ = 1e-16 the derivative at g = 0, s = 0 is ε/√δ = ε·1e8: blank inputs without a bias, as in
copying memory or at the border of a digit, have gradients of that size (``stabiliser`` changes it).

T steps, B batch, F input features, H hidden width, G rows of W.
"""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import linear

from urnn_bench.cells._filtered import FilteredCell, MomentumOptions, StepOptions, wrap_kernels
from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import Implementation, Kernel
from urnn_bench.kernels.normaliser import Coefficients, normalise
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Fraction


class RmspropOptions(StepOptions):
    """Normalisation by a running mean of squares."""

    beta: Fraction = Field(0.9, description="β, in [0, 1), of the mean of squares")
    stabiliser: float = Field(
        1e-16, ge=1e-37, description="δ, within the root; the gradient at a drive of zero is ε/√δ"
    )


class AdamOptions(MomentumOptions, RmspropOptions):
    """Normalisation and momentum."""

    beta: Fraction = Field(0.1, description="β, in [0, 1), of the mean of squares")


class NormalisedCell(FilteredCell):
    """The plain cell sees v_t / √(s_t + δ), and its own bias."""

    def __init__(self, inputs: int, hidden: int, options: Any) -> None:
        super().__init__(inputs, hidden, options)
        self.rows = len(self.plain.get_parameter("w_x"))

    def outer(self, w: Any) -> Tensor | float:
        """Return the bias that is not normalised (G)."""
        bias: Tensor = w.bias
        return bias

    def drive(self, x: Tensor, w: Any) -> Tensor:
        """Return g: (T, B, G)."""
        return linear(self.widened(x), w.w_x)

    def step(self, u: Tensor, state: State, w: Any) -> State:
        """Return the plain cell's next state after both filters'."""
        *plain, v, s = state
        o = self.options
        v = self._momentum() * v + o.step_size * u
        s = o.beta * s + (1 - o.beta) * u.square()
        drive = v * torch.rsqrt(s + o.stabiliser) + self.outer(w)
        return (*self.plain.step(drive, tuple(plain), w), v, s)

    def normalised(self, g: Tensor, v: Tensor, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the drive (T, B, G) of all steps at once, without b_h, and the last v and s."""
        o = self.options
        by = Coefficients(self._momentum(), o.step_size, o.beta, o.stabiliser)
        return normalise(g, v, s, by)

    def initial_state(self, batch: int) -> State:
        """Return the plain cell's initial state, and zeros."""
        plain = self.plain.initial_state(batch)
        empty = plain[0].new_zeros(batch, self.rows)
        return (*plain, empty, empty)

    def _momentum(self) -> float:
        """Return μ; without it, zero."""
        return float(getattr(self.options, "momentum", 0.0))


class _Driven:
    """The plain cell, fed with a drive that is there already."""

    def __init__(self, plain: Cell) -> None:
        self.step, self.options = plain.step, plain.options

    def drive(self, x: Tensor, w: Any) -> Tensor:  # noqa: ARG002
        return x


def normalised(table: Mapping[str, Implementation]) -> Mapping[str, Implementation]:
    """Return those of the plain cell's kernels that take a drive, behind the filters."""
    return wrap_kernels(table, _normalising, _normalising_at_once)


def _normalising(of_plain: Kernel) -> Kernel:
    def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
        *plain, v, s = state
        drive, v, s = cell.normalised(cell.drive(x, w), v, s)
        hs, last = of_plain(_Driven(cell.plain), drive + cell.outer(w), tuple(plain), w)
        return hs, (*last, v, s)

    return run


def _normalising_at_once(of_models: Kernel) -> Kernel:
    def run(cell: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
        *plain, v, s = state
        # rows of several models are rows like any other
        drive, v, s = cell.normalised(torch.vmap(cell.drive)(x, w).transpose(0, 1), v, s)
        drive = torch.vmap(lambda d, w: d + cell.outer(w))(drive.transpose(0, 1), w)
        hs, last = of_models(_Driven(cell.plain), drive, tuple(plain), w)
        return hs, (*last, v, s)

    return run
