"""Sequences of a user's npz file: inputs, targets, lengths and splits, checked.

N sequences, T steps, F channels, O outputs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench import files
from urnn_bench.data import npz, store
from urnn_bench.errors import DataError

SPLITS = ("train", "validation", "test")
_FOLDER = "npz"
_MOST_CLASSES = 100_000
# a deviation below this share of the mean is that of a channel that does not change
_ROUNDING = 1e-12


class Sequences(NamedTuple):
    """Inputs (N, T, F), targets, and lengths (N); whole targets are classes.

    Targets are (N) or (N, O) after the last step, (N, T) or (N, T, O) at every step.
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    lengths: NDArray[np.int64]

    @property
    def is_classes(self) -> bool:
        """Whether targets are classes, not numbers."""
        return self.y.dtype.kind == "i"

    @property
    def is_every_step(self) -> bool:
        """Whether there is a target at every step: the second axis of y is that of x."""
        return self.y.ndim > 1 and self.y.shape[1] == self.x.shape[1]

    def rows(self, rows: NDArray[np.int64]) -> "Sequences":
        """Return some of the sequences."""
        return Sequences(self.x[rows], self.y[rows], self.lengths[rows])


class Fractions(NamedTuple):
    """Shares of the sequences held out where a file has no splits, and the seed that draws them."""

    validation: float
    test: float
    seed: int


def find(file: str) -> Path:
    """Return the path of a file in the working directory or the data folder; raise DataError."""
    folders = (Path(), *(f / sub for f in store.folders() for sub in (_FOLDER, "")))
    paths = [folder / files.expanded(file) for folder in folders]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        where = " or ".join(map(str, dict.fromkeys(p.parent.absolute() for p in paths)))
        raise DataError(f"{file}: there is no such file in {where}; give its path as task.file")
    return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    found = path.stat()
    return _hash(path.absolute(), (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=16)
def _hash(path: Path, _: tuple[int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, fractions: Fractions) -> dict[str, Sequences]:
    """Return the sequences of each split; raise DataError with what is wrong with which array."""
    names = npz.names(path)
    if any(name.startswith("x_") for name in names):
        parts = {split: _sequences(path, names, f"_{split}") for split in SPLITS}
        _require_alike(path, parts)
        _require_classes(path, "y_train", parts["train"])
        return parts
    whole = _sequences(path, names, "")
    chosen = _splits(path, names, len(whole.x), fractions)
    for split, rows in chosen.items():
        if not len(rows):
            raise DataError(f"{path}: no sequence is left for the {split} split; add some")
    _require_classes(path, "y", whole)
    return {split: whole.rows(rows) for split, rows in chosen.items()}


def _sequences(path: Path, names: Sequence[str], ending: str) -> Sequences:
    """Return the sequences of the arrays whose names have an ending."""
    x_name, y_name, l_name = (f"{name}{ending}" for name in ("x", "y", "lengths"))
    arrays = npz.read(path, [x_name, y_name, *([l_name] if l_name in names else [])])
    x = arrays.numbers(x_name, ["N", "T", "F"])
    y = _targets(arrays, y_name, x.shape[:2])
    if l_name not in names:
        return Sequences(x, y, np.full(len(x), x.shape[1]))
    return Sequences(x, y, arrays.integers(l_name, [len(x)], 1, x.shape[1]))


def _targets(arrays: npz.Arrays, name: str, form: tuple[int, int]) -> NDArray[Any]:
    """Return classes (N) or (N, T), or numbers of these or with an axis O."""
    count, steps = form
    y = arrays.by_name[name]
    if y.dtype.kind in "iu":
        return arrays.integers(name, (count, steps)[: max(1, y.ndim)], 0, _MOST_CLASSES)
    axes = (count, steps, "O") if y.ndim > 2 else (count, "T or O")
    return arrays.numbers(name, axes[: max(1, y.ndim)])


def _require_classes(path: Path, name: str, part: Sequences) -> None:
    """Raise DataError for classes that do not begin at 0, or of which there is one alone."""
    if not part.is_classes:
        return
    least, most = int(part.y.min()), int(part.y.max())
    if least:
        raise DataError(
            f"{path}: the classes in '{name}' are {least} to {most}; number them from 0"
        )
    if not most:
        raise DataError(f"{path}: '{name}' has one class alone, 0; there is nothing to tell apart")


def _require_alike(path: Path, parts: Mapping[str, Sequences]) -> None:
    """Raise DataError if the splits have other channels, or another kind of targets."""
    first = parts["train"]
    for split, part in parts.items():
        same_x = part.x.shape[2] == first.x.shape[2]
        same_y = (part.is_classes, part.is_every_step, part.y.ndim) == (
            first.is_classes,
            first.is_every_step,
            first.y.ndim,
        )
        if not (same_x and same_y):
            name = f"{'y' if same_x else 'x'}_{split}"
            raise DataError(f"{path}: the array '{name}' has another form than that of training")


def _splits(
    path: Path, names: Sequence[str], count: int, fractions: Fractions
) -> dict[str, NDArray[np.int64]]:
    """Return which sequences are of each split: as the file says, or drawn by a seed."""
    if "splits" in names:
        words = npz.read(path, ["splits"]).words("splits", [count], SPLITS)
        return {split: np.flatnonzero(words == split) for split in SPLITS}
    order = np.random.RandomState(fractions.seed).permutation(count)
    held_out = [round(share * count) for share in (fractions.validation, fractions.test)]
    ends = np.cumsum([count - sum(held_out), held_out[0]])
    return dict(zip(SPLITS, map(np.sort, np.split(order, ends)), strict=True))


def standardised(parts: Mapping[str, Sequences]) -> dict[str, Sequences]:
    """Return the splits with mean 0 and deviation 1 of every channel over those of training.

    A channel that does not change there becomes 0; steps after the end of a sequence are 0.
    """
    train = parts["train"]
    samples = train.x[_is_there(train)]
    mean, deviation = samples.mean(0), samples.std(0)
    scale = np.where(deviation > _ROUNDING * np.abs(mean), deviation, 1)
    return {
        split: part._replace(x=np.where(_is_there(part)[..., None], (part.x - mean) / scale, 0))
        for split, part in parts.items()
    }


def _is_there(part: Sequences) -> NDArray[np.bool_]:
    """Return which steps (N, T) are before the end of a sequence."""
    return np.arange(part.x.shape[1]) < part.lengths[:, None]
