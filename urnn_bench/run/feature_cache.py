"""The features of a cell of which nothing is trained: computed once for every example.

T steps, B batch, K features that the readout sees, N training examples.
"""

from dataclasses import replace
from math import prod
from tempfile import TemporaryFile

import numpy as np
import torch
from torch import Tensor

from urnn_bench.engine.draws import checked_batch_of
from urnn_bench.kernels.time_loop import State
from urnn_bench.models import SequenceModel
from urnn_bench.random_streams import may_draw
from urnn_bench.tasks.base import Batch, Task

# what is larger is kept in a temporary file
_IN_MEMORY_MB = 512


class FeatureCache:
    """Features (N, K) of the training set, filled as training asks for them, and of validation.

    ``computed`` counts the training examples that the cell has seen, each once.
    """

    def __init__(
        self, model: SequenceModel, task: Task, size: int, seed: int, limit_mb: float
    ) -> None:
        self._model, self._task, self._size, self._seed = model, task, size, seed
        self._limit_mb = limit_mb
        self._features: Tensor | None = None
        self._is_known = torch.zeros(task.training_examples() or 0, dtype=torch.bool)
        self._validation: dict[int, Tensor] = {}
        self._seen = 0
        self.computed = 0

    def batch(self, index: int, batch: Batch) -> Batch:
        """Return batch ``index`` of training with features (B, K) in the place of x."""
        self._catch_up(index, batch.x)
        rows = self._see(index, batch)
        assert self._features is not None
        return replace(batch, x=self._features[rows].to(batch.x.device))

    def evaluated(self, index: int, batch: Batch) -> Batch:
        """Return batch ``index`` of validation with features (B, K) in the place of x.

        Those that are over the limit of memory are computed again every time.
        """
        features = self._validation.get(index)
        if features is None:
            features = self._features_of(batch.x, batch.lengths)
            kept = sum(known.nbytes for known in self._validation.values())
            if kept + features.nbytes <= self._limit_mb * 2**20:
                self._validation[index] = features
        return replace(batch, x=features)

    def _catch_up(self, index: int, like: Tensor) -> None:
        """See the batches before ``index``, those that a run has had before it was resumed.

        The rounding of a feature depends on the sequences that it is computed with.
        """
        dtype = next(self._model.readout.parameters()).dtype
        while self._seen < index and not self._is_known.all():
            place = self._seen, self._size, self._seed
            batch = checked_batch_of(self._model, self._task, "train", *place)
            self._see(self._seen, batch.to(like.device, dtype))

    def _see(self, index: int, batch: Batch) -> Tensor:
        """Compute the features of a batch's new examples; return the rows of all."""
        self._seen = index + 1
        rows = self._task.training_rows(index, self._size, self._seed)
        assert rows is not None, "the task has a training set"
        is_new = ~self._is_known[rows]
        if is_new.any():
            chosen, lengths = is_new.to(batch.x.device), batch.lengths
            ends = None if lengths is None else lengths[chosen]
            self._compute(rows[is_new], batch.x[:, chosen], ends)
        return rows

    def forward(self, features: Tensor, _: State) -> tuple[Tensor, State]:
        """Return the outputs of features, and no state."""
        return self._model.readout(features), ()

    @torch.no_grad()
    def _features_of(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self._model.features(x, (), lengths)[0]

    def _compute(self, rows: Tensor, x: Tensor, lengths: Tensor | None) -> None:
        features = self._features_of(x, lengths)
        if self._features is None:
            shape = len(self._is_known), features.shape[-1]
            self._features = _storage(shape, features.dtype, self._limit_mb)
        self._features[rows] = features.cpu()
        self._is_known[rows] = True
        self.computed += len(rows)


def _storage(shape: tuple[int, int], dtype: torch.dtype, limit_mb: float) -> Tensor:
    """Return an empty tensor, in a temporary file if it takes more memory than the limit."""
    if prod(shape) * dtype.itemsize <= limit_mb * 2**20:
        return torch.empty(shape, dtype=dtype)
    numbers = torch.empty(0, dtype=dtype).numpy().dtype
    # the file has no name, and goes with the array, which keeps it open
    with TemporaryFile() as file:
        return torch.from_numpy(np.memmap(file, numbers, "w+", shape=shape))


def feature_cache_of(
    model: SequenceModel, task: Task, size: int, seed: int, limit_mb: float = _IN_MEMORY_MB
) -> FeatureCache | None:
    """Return a cache for a network, None if features change or the training set has no end."""
    is_trained = any(parameter.requires_grad for parameter in model.cell.parameters())
    # a user's cell may change in other ways, such as by a random number or a buffer
    is_fixed = not (is_trained or model.cell.draws or any(map(may_draw, model.cell.parts)))
    if not is_fixed or model.pool.keeps_steps:
        return None
    if task.training_rows(0, size, seed) is None:
        return None
    return FeatureCache(model, task, size, seed, limit_mb)
