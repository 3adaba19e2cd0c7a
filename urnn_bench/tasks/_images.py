"""Images read a few pixels at a time, and classified after the last.

Le, Jaitly and Hinton (2015), arXiv:1504.00941; Arjovsky, Shah and Bengio (2016), arXiv:1511.06464,
section 5.3. The last ``validation_examples`` of the training images are for validation and never
trained on. Every epoch goes through the others once, in a new order; those that do not fill a batch
are skipped.

T steps, B batch, F pixels a step, N images, P pixels, O classes.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from pydantic import BeforeValidator, Field, model_validator
from pydantic.config import JsonDict
from torch import Tensor

from urnn_bench.data import idx, store
from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.notation import shown
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks._classes import ClassTask
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks._permutations import NAMED, permutation
from urnn_bench.tasks.base import Batch, Signature, Targets, Vectors


def _known(value: object) -> object:
    seed = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32
    name = isinstance(value, str) and value in NAMED
    if not (seed or name):
        raise ValueError(
            f"must be {', '.join(NAMED)}, or a seed of numpy's RandomState "
            f"(0 to 2^32 - 1), not {shown(value)}"
        )
    return value


Permutation = Annotated[str | int, BeforeValidator(_known)]
ORDER = "of the pixels: none, wisdom, arjovsky, bit_reversal, or a seed of numpy's RandomState"
SET_APART = "the last training images, which the best weights are chosen on"
IMAGES: JsonDict = {"unit": "images"}


class ImageOptions(Config):
    """How an image becomes a sequence, and what is set apart."""

    shape: ClassVar[tuple[int, int]]
    training_images: ClassVar[int]

    T: Count = Field(
        description="as many as there are pixels, or a divisor for several pixels a step",
        json_schema_extra={"unit": "steps"},
    )
    permutation: Permutation = Field("none", description=ORDER)
    scan: Literal["top_down", "bottom_up"] = Field(
        "top_down", description="which row comes first, before the permutation"
    )
    validation_examples: Count = Field(10_000, description=SET_APART, json_schema_extra=IMAGES)

    @model_validator(mode="after")
    def _fits(self) -> "ImageOptions":
        rows, columns = self.shape
        if (rows * columns) % self.T:
            text = f"an image has {rows * columns} pixels, which {self.T} steps do not divide"
            raise ValueError(f"{text}; {rows * columns} is one pixel a step, {rows} one row")
        self.check_validation()
        return self

    def check_validation(self) -> None:
        """Raise ValueError if no image would be left to train on."""
        if self.validation_examples >= self.training_images:
            raise ValueError(f"'validation_examples' must be below {self.training_images}")


class Images(NamedTuple):
    """Values of pixels (N, P), bytes, row by row from the top, and classes (N)."""

    pixels: Tensor
    classes: Tensor


class ImageSetTask(ClassTask):
    """A fixed set of images; ``levels`` is the value of a white pixel, ``classes`` their number."""

    levels: ClassVar[int] = 255
    classes = 10

    @abstractmethod
    def load(self) -> tuple[Images, Images]:
        """Return the images for training, those of validation last, and those of the test."""

    @abstractmethod
    def validation_examples(self) -> int:
        """Return how many of the last training images are for validation."""

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self._split(split).classes) / size)

    def training_examples(self) -> int:
        """Return the number of images that are trained on."""
        return len(self._split("train").classes)

    def training_classes(self) -> Tensor:
        """Return the classes of the images that are trained on (N)."""
        return self._split("train").classes

    def _rows(self, split: SplitName, index: int, size: int, seed: int) -> slice | Tensor:
        """Return which images of a split make up a batch; validation and test keep their order.

        Raises DataError if a batch is larger than the training set.
        """
        if split == "train":
            return epoch_indices(self.training_examples(), index, size, seed)
        return slice(index * size, (index + 1) * size)

    def _split(self, split: SplitName) -> Images:
        training, test = self.load()
        if split == "test":
            return test
        first = len(training.classes) - self.validation_examples()
        part = slice(first, None) if split == "validation" else slice(first)
        return Images(training.pixels[part], training.classes[part])


class ImageTask(ImageSetTask):
    """Images as sequences of pixels."""

    fixed_length_reason = (
        "an image has as many pixels at every T, so T changes the inputs of a step"
    )
    options: ImageOptions

    @property
    def signature(self) -> Signature:
        """Pixels in at every step, a class out after the last."""
        return Signature(Vectors(self._width()), self.classes, Targets.LAST_STEP)

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of the order in which pixels are read, as 64-bit integers."""
        return {"permutation": hashlib.sha256(self._order().numpy().tobytes()).hexdigest()}

    def validation_examples(self) -> int:
        """Return how many of the last training images are for validation."""
        return self.options.validation_examples

    def training_rows(self, index: int, size: int, seed: int) -> Tensor:
        """Return which training images make up a batch (B)."""
        return epoch_indices(self.training_examples(), index, size, seed)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) in [0, 1] and y (B); validation and test keep their order.

        Raises DataError if a batch is larger than the training set.
        """
        images, rows = self._split(split), self._rows(split, index, size, seed)
        # bytes until here: a training set in float64 would be eight times as large
        pixels = images.pixels[rows][:, self._order()].reshape(-1, self.options.T, self._width())
        return Batch(pixels.transpose(0, 1).double() / self.levels, images.classes[rows])

    def _order(self) -> Tensor:
        """Return which pixel of the image, counted row by row from the top, is read when."""
        return _reading_order(self.options.shape, self.options.scan, self.options.permutation)

    def _count(self) -> int:
        return self.options.shape[0] * self.options.shape[1]

    def _width(self) -> int:
        return self._count() // self.options.T


@lru_cache(maxsize=8)
def _reading_order(shape: tuple[int, int], scan: str, name: str | int) -> Tensor:
    rows, columns = shape
    place = torch.arange(rows * columns).reshape(rows, columns)
    place = place.flip(0) if scan == "bottom_up" else place
    return place.reshape(-1)[permutation(name, rows * columns)]


@lru_cache(maxsize=4)
def read_idx(data: DataSet) -> tuple[Images, Images]:
    """Return the images of a data set in the four files of MNIST, for training and for the test.

    Raises DataError if a file is missing, damaged, or does not go with its labels.
    """
    return _pair(data, "train"), _pair(data, "t10k")


def _pair(data: DataSet, start: str) -> Images:
    names = (f"{start}-images-idx3-ubyte.gz", f"{start}-labels-idx1-ubyte.gz")
    pixels, classes = (idx.parse(store.read(data, name)[0], name) for name in names)
    if pixels.ndim != 3 or classes.shape != pixels.shape[:1]:
        raise DataError(f"{data.name}: {names[0]} and {names[1]} do not go together")
    flat = torch.from_numpy(pixels.reshape(len(pixels), -1).copy())
    return Images(flat, torch.from_numpy(classes.astype("int64")))
