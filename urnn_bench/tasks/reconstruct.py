"""Reconstruct: after the last step, repeat what band-limited white noise was over the last steps.

The task Reconstruct of the s4 repository (Gu et al. 2022), where T = 4,000 and the window has 1,000
steps. A window of T steps is the function approximation of Gu, Dao, Ermon, Rudra and Ré (2020),
arXiv:2008.07669, section 4: compress the whole past into one state. The window is read at
``points`` steps, spread evenly from its first to its last. At another length of the test the window
is still that of training.

T steps, B batch, O points.
"""

from typing import Annotated, Self

import torch
from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from torch import Tensor

from urnn_bench.spec.types import Count
from urnn_bench.tasks._white_noise import WhiteNoiseOptions, WhiteNoiseTask, quarter
from urnn_bench.tasks.base import Batch, Signature, Targets, Vectors

_MOST_POINTS = 1000


def _every_step(value: object, info: ValidationInfo) -> object:
    """Return the value of an option, or the steps of the window up to 1,000 if it is not given."""
    return min(info.data.get("window", 1), _MOST_POINTS) if value is None else value


class ReconstructOptions(WhiteNoiseOptions):
    """The signal, and what of it must be given."""

    window: Annotated[Count, BeforeValidator(quarter)] = Field(
        None, validate_default=True, description="how many of the last steps; none: a quarter of T"
    )
    points: Annotated[Count, BeforeValidator(_every_step)] = Field(
        None,
        validate_default=True,
        description="outputs, spread evenly over the window; none: one a step, at most 1,000",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window > self.T:
            raise ValueError(f"'window' must be at most T = {self.T}, not {self.window}")
        if self.points > self.window:
            raise ValueError(
                f"'points' must be at most the {self.window} steps of the window, not {self.points}"
            )
        return self


def steps_of(T: int, window: int, points: int) -> Tensor:
    """Return which of T steps are to be given (O): the ends of the window, and evenly between.

    One point alone is the first step of the window.
    """
    return T - window + torch.arange(points) * (window - 1) // max(1, points - 1)


class Reconstruct(WhiteNoiseTask):
    """The reconstruction task; the loss is the mean squared error over the points."""

    Options = ReconstructOptions
    options: ReconstructOptions

    @property
    def signature(self) -> Signature:
        """A number in at every step, the points of the window out after the last."""
        return Signature(Vectors(1), self.options.points, Targets.LAST_STEP)

    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return x (T, count, 1) and y (count, O)."""
        x, o = self.signals(count, rng), self.options
        return Batch(x, x[steps_of(o.T, o.window, o.points), :, 0].T.contiguous())
