"""Was the first of T numbers positive?"""

from math import log

import torch
from pydantic import Field
from torch.nn.functional import cross_entropy

from urnn_bench.spec.types import Count
from urnn_bench.tasks.base import (
    Batch,
    PoolOptions,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Vectors,
)


class Options(PoolOptions):
    """The length, and how many sequences are for validation and test."""

    T: Count = Field(description="length of a sequence")


class CLASS(SyntheticTask):
    """Noise whose first number decides the class, to be given after the last step."""

    Options = Options
    # the first is the loss, by which the best weights are chosen
    metrics = ("cross_entropy_nat", "accuracy")

    @property
    def signature(self):
        """One number a step, two outputs after the last."""
        return Signature(Vectors(1), 2, Targets.LAST_STEP)

    def sample(self, count, rng):
        """Draw `count` sequences from `rng`, and from nothing else: x (T, B, F) and y (B)."""
        x = torch.randn(self.options.T, count, 1, generator=rng, dtype=torch.float64)
        return Batch(x, (x[0, :, 0] > 0).long())

    def loss(self, output, batch):
        """What training lowers: a mean over the batch."""
        return cross_entropy(output, batch.y)

    def scores(self, output, batch):
        """A sum and its weight for each of `metrics`."""
        count = len(batch.y)
        right = float((output.argmax(dim=1) == batch.y).sum())
        loss = float(self.loss(output, batch))
        return {
            "cross_entropy_nat": Score(loss * count, count),
            "accuracy": Score(right, count),
        }

    def baselines(self):
        """What a network without memory reaches."""
        return {"cross_entropy_nat": {"coin": log(2)}, "accuracy": {"coin": 0.5}}

    def baseline_output(self, batch):
        """The output of that baseline."""
        return torch.zeros(len(batch.y), 2, dtype=torch.float64)
