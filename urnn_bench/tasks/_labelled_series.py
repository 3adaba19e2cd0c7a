"""Series of one class each: their splits, standardisation and padding, and a task that reads them.

N series, L samples of the longest, T steps, B batch, F channels.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from math import ceil, fsum, sqrt
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks._classes import ClassTask
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks.base import LENGTHS, Batch, Signature, Targets, Vectors

# a deviation below this share of the mean is that of a channel that does not change
ROUNDING = 1e-12


class Series(NamedTuple):
    """The samples of one series (L, F) in float64, and its class from 0."""

    values: NDArray[np.float64]
    label: int


class Split(NamedTuple):
    """Samples (N, L, F), zero after the end of a series, lengths (N) and classes (N)."""

    x: Tensor
    lengths: Tensor
    classes: Tensor


class Splits(NamedTuple):
    """The series for training, validation and test."""

    train: Split
    validation: Split
    test: Split


class Moments(NamedTuple):
    """Mean (F) and standard deviation (F) of every channel."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def moments(samples: NDArray[np.float64]) -> Moments:
    """Return mean and standard deviation of samples (N, F)."""
    # sums without rounding: the same digits on every machine, as these are in the fingerprint
    mean = np.array([fsum(channel) / len(channel) for channel in samples.T])
    squares = ((samples - mean) ** 2).T
    return Moments(mean, np.array([sqrt(fsum(channel) / len(channel)) for channel in squares]))


def padded(
    series: Sequence[Series],
    by: Moments | None = None,
    longest: int = 0,
    dtype: torch.dtype = torch.float64,
) -> Split:
    """Return series as one split, of ``longest`` samples at least, standardised by moments.

    A channel that does not change in training becomes 0 there.
    """
    lengths = [len(one.values) for one in series]
    shape = len(series), max(*lengths, longest), series[0].values.shape[1]
    x = torch.zeros(shape, dtype=dtype)
    for row, one in zip(x, series, strict=True):
        row[: len(one.values)] = torch.from_numpy(_standardised(one.values, by))
    return Split(x, torch.tensor(lengths), torch.tensor([one.label for one in series]))


def _standardised(values: NDArray[np.float64], by: Moments | None) -> NDArray[np.float64]:
    if by is None:
        return values
    changes = by.deviation > ROUNDING * np.abs(by.mean)
    return (values - by.mean) / np.where(changes, by.deviation, 1)


def splits_of(
    parts: Sequence[Sequence[Series]], standardise: bool, dtype: torch.dtype = torch.float64
) -> Splits:
    """Return the series of training, validation and test, padded.

    Standardised, every channel has mean 0 and deviation 1 over the samples of training.
    """
    by = moments(np.concatenate([one.values for one in parts[0]])) if standardise else None
    return Splits(*(padded(part, by, dtype=dtype) for part in parts))


def require_series(parts: Sequence[Sequence[object]], source: str, mend: str) -> None:
    """Raise DataError if training, validation or test has no series, with what mends it."""
    for name, part in zip(Splits._fields, parts, strict=True):
        if not part:
            raise DataError(f"{source}: no series is left for the {name} split; {mend}")


def digest(splits: Splits) -> str:
    """Return the SHA-256 of all samples, lengths and classes."""
    found = hashlib.sha256()
    for tensor in (tensor for part in splits for tensor in part):
        found.update(str(tuple(tensor.shape)).encode())
        found.update(tensor.contiguous().numpy().data)
    return found.hexdigest()


class SeriesOptions(Config):
    """How much of a series is read."""

    T: Count = Field(
        description="a longer series is cut, a shorter one filled up and masked",
        json_schema_extra={"unit": "steps"},
    )


class SeriesTask(ClassTask):
    """The class of a series, after its last step."""

    options: SeriesOptions

    @abstractmethod
    def load(self) -> Splits:
        """Return the series of three splits; raise DataError if their files are not there."""

    @property
    def channels(self) -> int:
        """How many numbers a step has; a task that knows it without its data says so."""
        return self.load().train.x.shape[-1]

    @property
    def signature(self) -> Signature:
        """The channels of a step, and a class after the last step."""
        return Signature(Vectors(self.channels), self.classes, Targets.LAST_STEP)

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self._split(split).classes) / size)

    def training_examples(self) -> int:
        """Return the number of series that are trained on."""
        return len(self._split("train").classes)

    def training_rows(self, index: int, size: int, seed: int) -> Tensor:
        """Return which training series make up a batch (B)."""
        return epoch_indices(self.training_examples(), index, size, seed)

    def training_classes(self) -> Tensor:
        """Return the classes of the training series (N)."""
        return self._split("train").classes

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F), y (B) and ``lengths`` (B); validation and test keep their order.

        Raises DataError if a batch is larger than the training set.
        """
        rows, series, T = self._rows(split, index, size, seed), self._split(split), self.options.T
        lengths = series.lengths[rows].clamp(max=T)
        x = first_steps(series.x[rows], T).transpose(0, 1).contiguous()
        return Batch(x, series.classes[rows], {LENGTHS: lengths})

    def _rows(self, split: SplitName, index: int, size: int, seed: int) -> Tensor:
        if split == "train":
            return self.training_rows(index, size, seed)
        return torch.arange(len(self._split(split).classes))[index * size : (index + 1) * size]

    def _split(self, split: SplitName) -> Split:
        part: Split = getattr(self.load(), split)
        return part


def first_steps(x: Tensor, T: int) -> Tensor:
    """Return the first T steps of x (B, L, F), with zeros where L is less: (B, T, F)."""
    return torch.nn.functional.pad(x[:, :T], (0, 0, 0, max(0, T - x.shape[1])))
