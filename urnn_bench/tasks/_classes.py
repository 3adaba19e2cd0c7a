"""What tasks have in common that give every sequence of a training set one class.

B batch, N training sequences, O classes.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from urnn_bench.tasks._losses import cross_entropy
from urnn_bench.tasks.base import NOT_NEGATIVE, SHARE, Batch, Score, Task


class ClassTask(Task):
    """A task whose targets are classes (B); ``classes`` is their number."""

    metrics = ("cross_entropy_nat", "accuracy")
    metric_ends = {"cross_entropy_nat": NOT_NEGATIVE, "accuracy": SHARE}
    classes: ClassVar[int]

    @abstractmethod
    def training_classes(self) -> Tensor:
        """Return the classes of the training set (N)."""

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats."""
        return cross_entropy(output, batch.y)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the cross-entropy, and the fraction of sequences put into the right class."""
        loss, count = float(self.loss(output, batch)), len(batch.y)
        right = float((output.argmax(-1) == batch.y).sum())
        return {
            "cross_entropy_nat": Score(loss * count, count),
            "accuracy": Score(right, count),
        }

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the class frequencies of the training set score on it."""
        shares = self._shares()
        entropy = -float(torch.xlogy(shares, shares).sum())
        name = "class frequencies"
        return {"cross_entropy_nat": {name: entropy}, "accuracy": {name: float(shares.max())}}

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the logarithm of the class frequencies for every sequence."""
        return self._shares().log().expand(len(batch.y), -1)

    def _shares(self) -> Tensor:
        classes = self.training_classes()
        return torch.bincount(classes, minlength=self.classes).double() / len(classes)
