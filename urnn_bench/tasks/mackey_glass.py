"""Mackey-Glass: predict a chaotic series of a delay equation, one step ahead and 84.

Mackey and Glass (1977), Science 197; with a delay of 17 as in Jaeger (2001), GMD report 148,
section 5. The series is y - 1, where 1 is the value at which the equation rests; Jaeger takes the
tanh of that. Every sequence is a solution of its own, and nothing is downloaded.

T steps, B batch.
"""

from functools import lru_cache
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.events import SplitName
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import SEQUENCES, Count
from urnn_bench.tasks._mackey_glass import series
from urnn_bench.tasks._prediction import PredictionOptions, PredictionTask
from urnn_bench.tasks.base import Batch, PoolOptions, SyntheticTask

# numbers that are drawn at one time; another value would be other data
_MOST = 2**22
# a sample large enough for a mean, whose error enters the variance by its square
_SAMPLED_STEPS, _SAMPLED_SEQUENCES = 1000, 100


class MackeyGlassOptions(PredictionOptions, PoolOptions):
    """The equation's delay, and how often its solution is read."""

    tau: Annotated[float, Field(ge=5, le=1000)] = Field(
        17.0,
        description="delay; the equation is chaotic from about 17 on, and below 4.7 it comes to "
        "rest",
    )
    interval: Annotated[float, Field(ge=0.001, le=100)] = Field(
        1.0, description="time from one step to the next, in the unit of the delay"
    )
    validation_examples: Count = Field(
        100, description="the best weights are chosen on", json_schema_extra=SEQUENCES
    )
    test_examples: Count = Field(
        200, description="the best weights see once", json_schema_extra=SEQUENCES
    )


class MackeyGlass(PredictionTask, SyntheticTask):
    """The next value of the Mackey-Glass series."""

    Options = MackeyGlassOptions
    options: MackeyGlassOptions

    @property
    def mean(self) -> float:
        """The mean of a sample."""
        return _moments(self.options.tau, self.options.interval)[0]

    @property
    def change(self) -> float:
        """The mean squared change from step to step over the variance, of a sample."""
        return _moments(self.options.tau, self.options.interval)[1]

    def sequences_per_stream(self) -> int:
        """Return fewer for long sequences, as all of them are drawn for any one."""
        return max(1, min(super().sequences_per_stream(), _MOST // self.options.T))

    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return x and y (T, count, 1), with the mask (T, count) of training."""
        return self.batch_of(self._values(count, rng), "train")

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Draw a batch; of validation and test the last steps are no one-step predictions."""
        batch = super().batch(split, index, size, seed)
        values = torch.cat([batch.x[:1], batch.y]).squeeze(-1)
        return self.batch_of(values, split)

    def _values(self, count: int, rng: torch.Generator) -> Tensor:
        """Return ``count`` series (T + 1, B)."""
        o = self.options
        return series(o.tau, o.interval, o.T + 1, count, rng) - 1


@lru_cache(maxsize=16)
def _moments(tau: float, interval: float) -> tuple[float, float]:
    """Return the mean, and the mean squared change over the variance, of a sample."""
    rng = generator(0, "data", "mackey_glass", "moments")
    values = series(tau, interval, _SAMPLED_STEPS, _SAMPLED_SEQUENCES, rng) - 1
    change = values.diff(dim=0).square().mean() / values.var()
    return float(values.mean()), float(change)
