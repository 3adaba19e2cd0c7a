"""Prediction of a series: its next value at every step, and many steps ahead on one's own outputs.

As in Jaeger (2001), GMD report 148, section 5: over the first steps, the washout, nothing is
scored. In evaluation the network then predicts one step ahead, until the last value that it is
given lies ``free_steps`` before the last target. From there on it reads its own outputs. Its last
one is scored as NRMSE_84 is, over the sequences and with the standard deviation of the series.

In training the network reads the series at every step, and all steps after the washout count.

T steps, B batch.
"""

from abc import abstractmethod
from collections.abc import Mapping
from math import sqrt
from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from urnn_bench.events import SplitName
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks._batch import MASK
from urnn_bench.tasks.base import (
    NOT_NEGATIVE,
    Batch,
    Score,
    Signature,
    Targets,
    Task,
    Vectors,
    masked_mean,
    step_mask,
)


class PredictionOptions(Config):
    """How much of a sequence is not scored, and how far ahead its end is predicted."""

    T: Count = Field(description="length of a sequence", json_schema_extra={"unit": "steps"})
    washout: Annotated[int, Field(ge=0)] = Field(
        100, description="first steps, which do not count", json_schema_extra={"unit": "steps"}
    )
    free_steps: Count = Field(
        84,
        description="how far the last target of validation and test lies after the last value that "
        "is given; in between a network reads its own outputs",
        json_schema_extra={"unit": "steps"},
    )

    @model_validator(mode="after")
    def _has_a_scored_step(self) -> Self:
        most = self.T - self.washout
        if self.free_steps < most:
            return self
        bound = f"'free_steps' must be below T - washout = {most}, not {self.free_steps}"
        if most < 2:  # no number of free steps would do
            least = self.washout + self.free_steps
            bound = f"T must be above washout + free_steps = {least}, not {self.T}"
        raise ValueError(f"{bound}: no step would be left that is predicted from the one before")


class PredictionTask(Task):
    """A task whose targets are the next values of its inputs; the loss is the normalised error."""

    metrics = ("nmse", "nrmse", "free_nrmse")
    metric_ends = dict.fromkeys(metrics, NOT_NEGATIVE)
    options: PredictionOptions

    @property
    @abstractmethod
    def mean(self) -> float:
        """The mean of the series, which errors are compared with."""

    @property
    @abstractmethod
    def change(self) -> float:
        """The mean squared change from step to step, over the variance."""

    @property
    def signature(self) -> Signature:
        """A value in and the next one out at every step."""
        # the first output beyond the last value that is given still reads that value
        return Signature(
            Vectors(1), 1, Targets.EVERY_STEP, feedback_steps=self.options.free_steps - 1
        )

    def batch_of(self, values: Tensor, split: SplitName) -> Batch:
        """Return x and y (T, B, 1) of values (T + 1, B), and the mask of what is scored (T, B)."""
        o, values = self.options, values.unsqueeze(-1)
        mask = torch.zeros(o.T, values.shape[1], dtype=torch.bool)
        mask[o.washout : o.T if split == "train" else o.T - o.free_steps + 1] = True
        return Batch(values[:-1].contiguous(), values[1:].contiguous(), {MASK: mask})

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the squared error over the variance, of the steps of the mask."""
        return _mean_square(output - batch.y, batch) / _mean_square(batch.y - self.mean, batch)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the squared errors of the steps of the mask and of the last over the variance."""
        count, y, output = batch.x.shape[1], batch.y.double(), output.double()
        variance = count * float(_mean_square(y - self.mean, batch))
        error = count * float(_mean_square(output - y, batch))
        last = float((output[-1] - y[-1]).square().sum())
        one_step = Score(error, variance)
        return {"nmse": one_step, "nrmse": one_step, "free_nrmse": Score(last, variance)}

    def finalise_metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Return the root of what is called one."""
        roots = {name: sqrt(means[name]) for name in ("nrmse", "free_nrmse")}
        return {**means, **roots}

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the mean scores, and the last value that is given as the next one."""
        return {
            "nmse": {"mean": 1.0, "last value": self.change},
            "nrmse": {"mean": 1.0, "last value": sqrt(self.change)},
            "free_nrmse": {"mean": 1.0},
        }

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the mean for every target."""
        return torch.full_like(batch.y, self.mean)


def _mean_square(values: Tensor, batch: Batch) -> Tensor:
    return masked_mean(values.square(), step_mask(batch))
