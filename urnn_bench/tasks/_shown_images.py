"""Whole images that are shown for some steps and followed by grey, classified at every step.

Nayebi, Bear, Kubilius, Kar, Ganguli, Sussillo, DiCarlo and Yamins (2018), arXiv:1807.00053: a
network that is unrolled in time sees an image, then mean grey. The first ``shown`` steps have the
image, the others have grey pixels of 0.5, which ask for memory. Noise that is fresh at every step
asks for an average over time; a grey square hides a part of the image.

T steps, S steps for which an image is shown, B batch, C channels, F pixels of all channels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from torch import Generator, Tensor
from torch.nn.functional import pad

from urnn_bench.events import SplitName
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import Config, Count, Fraction
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks._images import IMAGES, SET_APART, ImageSetTask
from urnn_bench.tasks._images import Images as ImageSet
from urnn_bench.tasks._losses import cross_entropy
from urnn_bench.tasks.base import Batch, Images, Score, Signature, Targets

GREY = 0.5


def _all_steps(value: object, info: ValidationInfo) -> object:
    """Return for how many steps an image is shown, T if it is not given."""
    # a T that is refused is not there
    return info.data.get("T", 1) if value is None else value


class ShownImageOptions(Config):
    """For how long an image is shown, and what is changed of it."""

    shape: ClassVar[tuple[int, int, int]]
    training_images: ClassVar[int]

    T: Count = Field(
        description="of the image and of the grey after it", json_schema_extra={"unit": "steps"}
    )
    shown: Annotated[Count, BeforeValidator(_all_steps)] = Field(
        None,
        validate_default=True,
        description="steps for which the image is shown, grey follows; none: T",
    )
    noise: float = Field(
        0.0,
        ge=0,
        description="deviation of normal noise on every pixel that is shown, fresh at every step; "
        "black is 0, white is 1, and values beyond them are not clipped",
    )
    occlusion: Fraction = Field(
        0.0,
        description="share of the image that a grey square hides, at a random place; its side is "
        "rounded to whole pixels",
    )
    occluder: Literal["still", "moving"] = Field(
        "still", description="the square stays where it is, or has a new place at every step"
    )
    loss_steps: Literal["last", "all"] = Field(
        "last", description="which steps training averages its loss over; scores are of the last"
    )
    validation_examples: Count = Field(10_000, description=SET_APART, json_schema_extra=IMAGES)
    training_examples: Count | None = Field(
        None,
        description="train on the first so many images alone; all that are left if not given",
        json_schema_extra=IMAGES,
    )

    @property
    def side(self) -> int:
        """Rows and columns of the square that hides a part of the image."""
        _, rows, columns = self.shape
        return round(sqrt(self.occlusion * rows * columns))

    @model_validator(mode="after")
    def _fits_steps(self) -> Self:
        if self.shown > self.T:
            raise ValueError(f"'shown' must be at most T = {self.T}, not {self.shown}")
        return self

    @model_validator(mode="after")
    def _hides_a_part(self) -> Self:
        least = min(self.shape[1:])
        if self.occlusion and not 0 < self.side < least:
            hidden = "the whole image" if self.side else "no whole pixel"
            raise ValueError(f"'occlusion' of {self.occlusion:g} hides {hidden}")
        if self.occluder == "moving" and not self.occlusion:
            raise ValueError("'occluder' is moving and hides nothing; give 'occlusion' too")
        return self

    @model_validator(mode="after")
    def _leaves_images(self) -> Self:
        left = self.training_images - self.validation_examples
        if left < 1:
            raise ValueError(f"'validation_examples' must be below {self.training_images}")
        if self.training_examples is not None and self.training_examples > left:
            raise ValueError(
                f"'training_examples' must be at most {left}, the images that are not for "
                f"validation, not {self.training_examples}"
            )
        return self


@dataclass(frozen=True)
class Place:
    """Which images a batch has: where its random streams begin."""

    split: SplitName
    index: int
    size: int
    count: int
    seed: int

    def joined(self, name: str, drawn: Callable[[int, Generator], Tensor]) -> Tensor:
        """Return what is drawn for a batch (S, B, ...) by a function of a number of images.

        Images of validation and test have a stream each, so that no batch size changes them.
        """
        if self.split == "train":
            return drawn(self.count, generator(self.seed, "data", name, self.split, self.index))
        first = self.index * self.size
        images = range(first, first + self.count)
        rngs = (generator(self.seed, "data", name, self.split, image) for image in images)
        return torch.cat([drawn(1, rng) for rng in rngs], dim=1)


class ShownImageTask(ImageSetTask):
    """Images that do not change over time but for noise, and a class at every step."""

    options: ShownImageOptions

    @property
    def signature(self) -> Signature:
        """An image in and a class out at every step."""
        return Signature(Images(*self.options.shape), self.classes, Targets.EVERY_STEP)

    def validation_examples(self) -> int:
        """Return how many of the last training images are for validation."""
        return self.options.validation_examples

    def training_rows(self, index: int, size: int, seed: int) -> Tensor | None:
        """Return which training images make up a batch (B); None if each of them is changed."""
        if self.options.noise or self.options.occlusion:
            return None
        return epoch_indices(self.training_examples(), index, size, seed)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) in float32 and y (T, B); validation and test keep their order.

        Where nothing changes over time, all steps of x are one tensor. Raises DataError if a batch
        is larger than the training set.
        """
        images, rows = self._split(split), self._rows(split, index, size, seed)
        classes = images.classes[rows]
        frames = images.pixels[rows].float().div_(self.levels)[None]
        place = Place(split, index, size, len(classes), seed)
        frames = self._with_noise(self._occluded(frames, place), place)
        x = with_grey(frames, self.options.shown, self.options.T)
        return Batch(x, classes.repeat(self.options.T, 1))

    def _occluded(self, frames: Tensor, place: Place) -> Tensor:
        """Return frames (1, B, F) behind a square, (1, B, F) or (S, B, F) if it moves."""
        o = self.options
        if not o.occlusion:
            return frames
        steps, most = o.shown if o.occluder == "moving" else 1, min(o.shape[1:]) - o.side

        def drawn(count: int, rng: Generator) -> Tensor:
            return torch.randint(most + 1, (steps, count, 2), generator=rng)

        return occluded(frames, o.shape, place.joined("occlusion", drawn), o.side)

    def _with_noise(self, frames: Tensor, place: Place) -> Tensor:
        """Return frames (1, B, F) or (S, B, F) with noise (S, B, F), or as they are."""
        if not self.options.noise:
            return frames
        shape = self.options.shown, frames.shape[2]

        def drawn(count: int, rng: Generator) -> Tensor:
            # in float64 it would take four times as long
            return torch.randn(shape[0], count, shape[1], generator=rng)

        return place.joined("noise", drawn).mul_(self.options.noise).add_(frames)

    def step_classes(self, batch: Batch) -> Tensor:
        """Return the right class at every step (T, B)."""
        return batch.y

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats of the last step, or of all."""
        steps = slice(-1 if self.options.loss_steps == "last" else 0, None)
        return cross_entropy(output[steps], batch.y[steps])

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the cross-entropy and the accuracy of the last step."""
        last, y = output[-1], batch.y[-1]
        return {
            "cross_entropy_nat": Score(float(cross_entropy(last, y)) * len(y), len(y)),
            "accuracy": Score(float((last.argmax(-1) == y).sum()), len(y)),
        }

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the logarithm of the class frequencies at every step."""
        return self._shares().log().expand(*batch.y.shape, -1)

    def _split(self, split: SplitName) -> ImageSet:
        images = super()._split(split)
        most = self.options.training_examples if split == "train" else None
        return ImageSet(*(part[:most] for part in images))


def occluded(frames: Tensor, shape: tuple[int, int, int], corners: Tensor, side: int) -> Tensor:
    """Return frames (1, B, F) with a grey square, (S, B, F), whose corners are (S, B, 2).

    A corner is the first row and the first column of a square.
    """
    rows, columns = (
        _within(corners[..., axis, None], side, count) for axis, count in enumerate(shape[1:])
    )
    hidden = (rows[..., :, None] & columns[..., None, :]).flatten(2)
    return torch.where(hidden.repeat(1, 1, shape[0]), GREY, frames)


def _within(first: Tensor, side: int, count: int) -> Tensor:
    """Return which of ``count`` rows are in a square, (..., 1) to (..., count)."""
    rows = torch.arange(count)
    return (rows >= first) & (rows < first + side)


def with_grey(frames: Tensor, shown: int, T: int) -> Tensor:
    """Return frames (1, B, F) or (S, B, F), shown for S steps and followed by grey, (T, B, F)."""
    frames = frames.expand(shown, -1, -1)
    # no copy of an image that is all there is
    return pad(frames, (0, 0, 0, 0, 0, T - shown), value=GREY) if shown < T else frames
