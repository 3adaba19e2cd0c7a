"""Photographs of CIFAR-10, shown for some steps and then replaced by grey.

Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images": 32 × 32 pixels in red,
green and blue, of ten classes. It is not fetched: put the binary version into ``cifar10`` of the
data folder. The last 10,000 of the 50,000 training images are for validation.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from urnn_bench.data import cifar10, store
from urnn_bench.tasks._images import Images
from urnn_bench.tasks._shown_images import ShownImageOptions, ShownImageTask


class ShownCifar10Options(ShownImageOptions):
    """50,000 training images of 32 × 32 pixels in three colours."""

    shape = cifar10.SHAPE
    training_images = 50_000


class ShownCifar10(ShownImageTask):
    """CIFAR-10, classified at every step."""

    Options = ShownCifar10Options

    def load(self) -> tuple[Images, Images]:
        """Return the 50,000 images for training and the 10,000 of the test.

        Raises DataError if the files are not there or not right.
        """
        return _read(store.folders())

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of all images and their classes."""
        return {"images": _digest(store.folders())}


@lru_cache(maxsize=1)
def _read(folders: tuple[Path, ...]) -> tuple[Images, Images]:
    training, test = cifar10.read(folders)
    return _images(*training), _images(*test)


def _images(pixels: NDArray[np.uint8], classes: NDArray[np.uint8]) -> Images:
    return Images(torch.from_numpy(pixels), torch.from_numpy(classes.astype("int64")))


@lru_cache(maxsize=1)
def _digest(folders: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for images in _read(folders):
        for tensor in images:
            digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
