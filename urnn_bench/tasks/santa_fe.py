"""Santa Fe: predict the intensity of a chaotic laser, one step ahead and many.

Data set A of the Santa Fe competition (Hübner, Abraham and Weiss 1989; Weigend and Gershenfeld,
eds., 1994): 10,093 intensities from 0 to 255. The first 70 % are for training, the next 15 % for
validation and the last 15 % for the test. A sequence lies within one part, so no value of one is in
another. The training part has mean 0 and standard deviation 1.

T steps, B batch, N sequences.
"""

import io
from collections.abc import Mapping
from functools import lru_cache
from math import ceil, sqrt
from typing import Annotated

import numpy as np
import torch
from numpy.lib.format import read_array
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from urnn_bench.data.store import DataSet, read
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.types import Count
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks._prediction import PredictionOptions, PredictionTask
from urnn_bench.tasks.base import Batch

FILE = "santafe_laser.npy"
_VALUES = 10_093
PARTS: Mapping[SplitName, range] = {
    "train": range(7065),
    "validation": range(7065, 8579),
    "test": range(8579, _VALUES),
}
_LONGEST = min(map(len, PARTS.values())) - 1

SANTA_FE = DataSet(
    name="santa_fe",
    about="Santa Fe competition, data set A: intensities of a far-infrared laser",
    licence="none stated for the data; the copy is bundled with reservoirpy, which is MIT",
    mirrors=(
        "https://raw.githubusercontent.com/reservoirpy/reservoirpy/"
        "1fc11351bfba7f4b9a35464a1b99d804a5d6ccea/reservoirpy/datasets/",
    ),
    files={FILE: "8c07281200935596f8e28bc94e1bb25e9964ab7d7f63c5e27ac87b810ac3b33a"},
    limit_mb=1,
)


def _within_a_part(T: int) -> int:
    if T > _LONGEST:
        raise ValueError(
            f"must be at most {_LONGEST}, not {T}: validation and test have {_LONGEST + 1} values "
            "each, and a sequence has a target after its last step"
        )
    return T


class SantaFeOptions(PredictionOptions):
    """How long a sequence is, and how many of them validation and test have."""

    T: Annotated[Count, AfterValidator(_within_a_part)] = Field(
        description="length of a sequence", json_schema_extra={"unit": "steps"}
    )
    stride: Count = Field(
        10,
        description="from the first step of a sequence of validation or test to that of the next; "
        "one of training begins anywhere",
        json_schema_extra={"unit": "steps"},
    )


class SantaFe(PredictionTask):
    """The next intensity of the laser."""

    Options = SantaFeOptions
    data = SANTA_FE
    options: SantaFeOptions

    def load(self) -> Tensor:
        """Return the whole series, scaled; raise DataError if it is not there."""
        return _read()

    @property
    def mean(self) -> float:
        """The mean of the training part."""
        return 0.0

    @property
    def change(self) -> float:
        """The mean squared change from step to step of the training part, whose variance is 1."""
        return float(self._part("train").diff().square().mean())

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self._starts(split)) / size)

    def training_examples(self) -> int:
        """Return how many sequences lie within the training part."""
        return len(self._starts("train"))

    def training_rows(self, index: int, size: int, seed: int) -> Tensor:
        """Return which sequences of the training part make up a batch (B)."""
        return epoch_indices(self.training_examples(), index, size, seed)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return a batch; validation and test keep their order.

        Raises DataError if a batch is larger than the training set.
        """
        starts = self._starts(split)
        if split == "train":
            starts = starts[self.training_rows(index, size, seed)]
        else:
            starts = starts[index * size : (index + 1) * size]
        values = self._part(split)[starts + torch.arange(self.options.T + 1)[:, None]]
        return self.batch_of(values, split)

    def _part(self, split: SplitName) -> Tensor:
        part = PARTS[split]
        return self.load()[part.start : part.stop]

    def _starts(self, split: SplitName) -> Tensor:
        """Return where the sequences of a split begin (N), each with T + 1 values of its part."""
        stride = 1 if split == "train" else self.options.stride
        return torch.arange(0, len(PARTS[split]) - self.options.T, stride)


def parse(content: bytes, file: str) -> Tensor:
    """Return the intensities of a file, scaled by those of training, in float64.

    Raises DataError if it is not one array of as many numbers as the series has.
    """
    try:
        values = read_array(io.BytesIO(content), allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise DataError(f"{file}: is no array of numbers: {error}") from error
    if values.size != _VALUES or values.dtype.kind not in "iu":
        raise DataError(
            f"{file}: has {values.size} values of type {values.dtype}, and the series has "
            f"{_VALUES} whole numbers"
        )
    return _scaled(values.astype(np.int64).ravel())


def _scaled(values: NDArray[np.int64]) -> Tensor:
    """Return values with the mean 0 and the standard deviation 1 over the training part."""
    training = values[: len(PARTS["train"])]
    # sums of whole numbers: the same digits on every machine, as these are in the fingerprint
    count, total, squares = len(training), int(training.sum()), int((training * training).sum())
    mean, deviation = total / count, sqrt(squares * count - total * total) / count
    return torch.from_numpy((values - mean) / deviation)


@lru_cache(maxsize=1)
def _read() -> Tensor:
    content, _ = read(SANTA_FE, FILE)
    return parse(content, FILE)
