"""Losses, scores and constant predictors of classes and of numbers, of a sequence or each step.

T steps, B batch, O outputs. Steps after the end of a sequence do not count.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from urnn_bench.tasks.base import Batch, Score, step_mask


class Scores(ABC):
    """How outputs are scored; the first of ``metrics`` is the loss."""

    is_classes: ClassVar[bool]
    metrics: ClassVar[tuple[str, ...]]
    baseline: ClassVar[str]

    @abstractmethod
    def of_each(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return, by metric, the score of every target (T, B) or (B)."""

    @abstractmethod
    def constant(self, batch: Batch, outputs: int) -> Tensor:
        """Return the best output (O) that is the same for all targets of a batch."""

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean of the first metric."""
        values = self.of_each(output, batch.y)[self.metrics[0]]
        counted = _counted(values, batch)
        return torch.where(counted, values, 0).sum() / counted.sum()

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the sum of every metric, and how many targets count."""
        each = self.of_each(output.double(), batch.y)
        return {metric: _score(values, batch) for metric, values in each.items()}


def _score(values: Tensor, batch: Batch) -> Score:
    counted = _counted(values, batch)
    return Score(float(values[counted].double().sum()), float(counted.sum()))


def _counted(values: Tensor, batch: Batch) -> Tensor:
    """Return which targets count, of every step or of the last alone."""
    return step_mask(batch) if values.ndim > 1 else torch.ones_like(values, dtype=torch.bool)


class _Classes(Scores):
    is_classes = True
    metrics = ("cross_entropy_nat", "accuracy")
    baseline = "class frequencies"

    def of_each(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        entropy = -log_softmax(output, -1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
        right = (output.argmax(-1) == y).to(entropy.dtype)
        return dict(zip(self.metrics, (entropy, right.detach()), strict=True))

    def constant(self, batch: Batch, outputs: int) -> Tensor:
        classes = batch.y[_counted(batch.y, batch)]
        return (torch.bincount(classes, minlength=outputs).double() / len(classes)).log()


class _Numbers(Scores):
    is_classes = False
    metrics = ("mse",)
    baseline = "mean"

    def of_each(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"mse": (output - y).square().mean(-1)}

    def constant(self, batch: Batch, outputs: int) -> Tensor:
        return batch.y[_counted(batch.y[..., 0], batch)].double().mean(0).expand(outputs)


# by whether targets are classes
SCORES: Mapping[bool, Scores] = {scores.is_classes: scores for scores in (_Classes(), _Numbers())}
