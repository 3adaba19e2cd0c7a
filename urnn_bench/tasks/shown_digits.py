"""Whole digits of 8 × 8, shown for some steps and then replaced by grey: minutes, no download.

The images and splits of ``digits``.
"""

from pydantic import Field

from urnn_bench.spec.types import Count
from urnn_bench.tasks._images import IMAGES, SET_APART, Images
from urnn_bench.tasks._shown_images import ShownImageOptions, ShownImageTask
from urnn_bench.tasks.digits import Digits, DigitsOptions, read_digits


class ShownDigitsOptions(ShownImageOptions):
    """1,415 images of 8 × 8 pixels that are not for the test."""

    shape = (1, *DigitsOptions.shape)
    training_images = DigitsOptions.training_images

    validation_examples: Count = Field(258, description=SET_APART, json_schema_extra=IMAGES)


class ShownDigits(ShownImageTask):
    """Small digits, classified at every step."""

    Options = ShownDigitsOptions
    levels = Digits.levels

    def load(self) -> tuple[Images, Images]:
        """Return the images that are not for the test, and those that are."""
        return read_digits()
