"""Digits of 8 × 8 read column by column, each until its last column with ink.

The images of ``digits``, without a download. An image ends where only blank steps would follow, so
sequences have different lengths: 5 to 8 of 8 columns, or 40 to 64 of 64 pixels. The class comes
after the last step of each.
"""

from dataclasses import replace

import torch
from torch import Tensor

from urnn_bench.events import SplitName
from urnn_bench.tasks._permutations import permutation
from urnn_bench.tasks.base import LENGTHS, Batch
from urnn_bench.tasks.digits import Digits


class DigitColumns(Digits):
    """Small digits from left to right, whose sequences end with their ink."""

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) in [0, 1], y (B) and ``lengths`` (B).

        Raises DataError if a batch is larger than the training set.
        """
        batch = super().batch(split, index, size, seed)
        return replace(batch, extras={LENGTHS: _lengths(batch.x)})

    def _order(self) -> Tensor:
        by_rows = torch.arange(self._count()).reshape(self.options.shape)
        by_rows = by_rows.flip(0) if self.options.scan == "bottom_up" else by_rows
        return by_rows.T.reshape(-1)[permutation(self.options.permutation, self._count())]


def _lengths(x: Tensor) -> Tensor:
    """Return up to which step there is ink (B) in x (T, B, F); 1 at least."""
    steps = torch.arange(1, len(x) + 1)[:, None]
    return (x.any(-1) * steps).amax(0).clamp(min=1)
