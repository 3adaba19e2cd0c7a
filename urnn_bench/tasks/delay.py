"""Delay: repeat band-limited white noise as it was a fixed number of steps ago.

The task Delay of the s4 repository (Gu et al. 2022), where T = 4,000, the lag is 1,000, the band
limit 0.5 and the rms 0.5. It is linear and takes nothing but a memory. The steps before the lag
have no target and do not count. At another length of the test the lag is still that of training.

T steps, B batch.
"""

from typing import Annotated, Self

import torch
from pydantic import BeforeValidator, Field, model_validator

from urnn_bench.spec.types import Count
from urnn_bench.tasks._batch import MASK
from urnn_bench.tasks._white_noise import WhiteNoiseOptions, WhiteNoiseTask, quarter
from urnn_bench.tasks.base import Batch, Signature, Targets, Vectors


class DelayOptions(WhiteNoiseOptions):
    """The signal, and how far back its targets lie."""

    lag: Annotated[Count, BeforeValidator(quarter)] = Field(
        None,
        validate_default=True,
        description="steps from an input to its target; none: a quarter of T",
    )

    @model_validator(mode="after")
    def _has_a_target(self) -> Self:
        if self.lag >= self.T:
            raise ValueError(f"'lag' must be below T = {self.T}, not {self.lag}")
        return self


class Delay(WhiteNoiseTask):
    """The delay task; the loss is the mean squared error after the first ``lag`` steps."""

    Options = DelayOptions
    options: DelayOptions

    @property
    def signature(self) -> Signature:
        """A number in and an earlier one out at every step."""
        return Signature(Vectors(1), 1, Targets.EVERY_STEP)

    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return x and y (T, count, 1), with the mask (T, count) of the steps that count."""
        x, lag = self.signals(count, rng), self.options.lag
        y, mask = torch.zeros_like(x), torch.zeros(x.shape[:2], dtype=torch.bool)
        y[lag:] = x[:-lag]
        mask[lag:] = True
        return Batch(x, y, {MASK: mask})
