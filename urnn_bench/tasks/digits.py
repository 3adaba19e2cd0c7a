"""Pixel-by-pixel digits of 8 × 8: real handwriting in minutes, without a download.

Alpaydin and Kaynak (1998): optical recognition of handwritten digits, the 1,797 images that
scikit-learn includes, with 17 levels of grey. The file is in the order of its writers, and is cut
between them: the last 382 images are for the test, the 258 before them for validation, so that both
are by writers who are not in the training set.
"""

from functools import cache

import torch
from pydantic import Field

from urnn_bench.spec.types import Count
from urnn_bench.tasks._images import IMAGES, SET_APART, ImageOptions, Images, ImageTask

_TEST = 382


class DigitsOptions(ImageOptions):
    """1,415 images of 8 × 8 pixels that are not for the test."""

    shape = (8, 8)
    training_images = 1797 - _TEST

    validation_examples: Count = Field(258, description=SET_APART, json_schema_extra=IMAGES)


class Digits(ImageTask):
    """Small digits in the order of the rows, unless a permutation is set."""

    Options = DigitsOptions
    levels = 16

    def load(self) -> tuple[Images, Images]:
        """Return the images that are not for the test, and those that are."""
        return read_digits()


@cache
def read_digits() -> tuple[Images, Images]:
    """Return the 1,415 images that are not for the test, and the 382 that are."""
    # scikit-learn takes a second to import
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    images = Images(torch.from_numpy(pixels).to(torch.uint8), torch.from_numpy(classes).long())
    return Images(*(part[:-_TEST] for part in images)), Images(*(part[-_TEST:] for part in images))
