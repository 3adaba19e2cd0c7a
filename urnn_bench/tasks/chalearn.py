"""ChaLearn: which of 20 gestures somebody makes, from the joints of a skeleton.

Escalera et al. (2013), "Multi-modal Gesture Recognition Challenge 2013: Dataset and Results", also
called Montalbano: Italian gestures before a Kinect, which gives 20 joints. Its terms allow research
alone, so it is not fetched: ``chalearn/gestures.npz`` of the data folder is yours to make. It has

``x`` (frames, 20, 2 or 3): positions of the joints, gesture after gesture
``lengths`` (N): how many frames each gesture has
``classes`` (N): from 0 to 19
``split`` (N): 0 for training, 1 for validation, 2 for the test
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from urnn_bench.data import npz, store
from urnn_bench.errors import DataError
from urnn_bench.spec.types import Count
from urnn_bench.tasks._labelled_series import (
    Series,
    SeriesOptions,
    SeriesTask,
    Splits,
    digest,
    require_series,
    splits_of,
)

_NAME, _FILE = "chalearn", "gestures.npz"
_JOINTS, _CLASSES = 20, 20
_ARRAYS = ("x", "lengths", "classes", "split")


class ChalearnOptions(SeriesOptions):
    """How much of a gesture is read, and relative to what."""

    T: Count = Field(
        description="a longer gesture is cut, a shorter one filled up and masked",
        json_schema_extra={"unit": "frames"},
    )
    centre: Annotated[int, Field(ge=0, lt=_JOINTS)] | None = Field(
        0,
        description="joint that the others are relative to in every frame, and which is left out; "
        "a Kinect's joint 0 is the centre of the hip; null reads positions as they are",
    )
    standardise: bool = Field(
        True, description="give every coordinate mean 0 and deviation 1 over the training gestures"
    )


class Chalearn(SeriesTask):
    """Positions of joints, and the gesture after the last frame."""

    Options = ChalearnOptions
    classes = _CLASSES
    options: ChalearnOptions

    def load(self) -> Splits:
        """Return the gestures of three splits; raise DataError if the file is not right."""
        return _read(self.options.centre, self.options.standardise, store.folders())

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of all gestures and their classes."""
        folders = store.folders()
        return {"gestures": _digest(self.options.centre, self.options.standardise, folders)}


@lru_cache(maxsize=2)
def _digest(centre: int | None, standardise: bool, folders: tuple[Path, ...]) -> str:
    return digest(_read(centre, standardise, folders))


@lru_cache(maxsize=2)
def _read(centre: int | None, standardise: bool, folders: tuple[Path, ...]) -> Splits:
    path = _path(folders)
    arrays = npz.read(path, _ARRAYS)
    gestures = _gestures(arrays, centre)
    split = arrays.integers("split", [len(gestures)], 0, 2)
    parts = [[gestures[row] for row in np.flatnonzero(split == place)] for place in range(3)]
    require_series(parts, str(path), "mark some in the array 'split'")
    return splits_of(parts, standardise, torch.float32)


def _path(folders: tuple[Path, ...]) -> Path:
    found = npz.first_files([folder / _NAME for folder in folders], _FILE)
    if not found:
        raise DataError(
            f"{_NAME}: {_FILE} is not in {folders[0] / _NAME}; make it as docs/data.md says, or "
            "say by --data-dir where it lies: it is yours to bring"
        )
    return found[0]


def _gestures(arrays: npz.Arrays, centre: int | None) -> list[Series]:
    """Return the gestures of a file; raise DataError if an array does not fit the others."""
    x = arrays.numbers("x", ["frames", _JOINTS, (2, 3)])
    lengths = arrays.integers("lengths", ["gestures"], 1, len(x))
    if lengths.sum() != len(x):
        raise DataError(
            f"{arrays.path}: the array 'lengths' adds up to {lengths.sum()} frames, and 'x' has "
            f"{len(x)}"
        )
    classes = arrays.integers("classes", [len(lengths)], 0, _CLASSES - 1)
    parts = np.split(relative_to(x, centre), np.cumsum(lengths)[:-1])
    return [Series(*pair) for pair in zip(parts, classes.tolist(), strict=True)]


def relative_to(x: NDArray[np.float64], centre: int | None) -> NDArray[np.float64]:
    """Return positions (L, J, C) relative to one joint, and without it: (L, (J - 1) C)."""
    if centre is not None:
        x = np.delete(x - x[:, [centre]], centre, axis=1)
    return x.reshape(len(x), -1)
