"""Arrays of a user's npz file: numbers alone, never a pickle, and what is wrong in one sentence."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError, first_line

# the length of an axis, some of which it is one, or the name of an axis of any length
Axis = int | tuple[int, ...] | str
Found = TypeVar("Found")


@dataclass(frozen=True)
class Arrays:
    """The arrays of a file by their names; reading one checks what it holds."""

    path: Path
    by_name: Mapping[str, NDArray[Any]]

    def numbers(
        self, name: str, axes: Sequence[Axis], low: float = -inf, high: float = inf
    ) -> NDArray[np.float64]:
        """Return an array of finite numbers from ``low`` to ``high``, or raise DataError."""
        array = self._of(name, axes, "fiu", "numbers")
        if not np.isfinite(array).all():
            where = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
            raise self._error(name, f"is not finite at [{where}]")
        self._require_range(name, array, low, high)
        return array.astype(np.float64)

    def integers(self, name: str, axes: Sequence[Axis], low: int, high: int) -> NDArray[np.int64]:
        """Return an array of whole numbers from ``low`` to ``high``, or raise DataError."""
        array = self._of(name, axes, "iu", "integers")
        self._require_range(name, array, low, high)
        return array.astype(np.int64)

    def words(self, name: str, axes: Sequence[Axis], known: Sequence[str]) -> NDArray[np.str_]:
        """Return an array of words that are all known, or raise DataError."""
        array = self._of(name, axes, "U", f"text: {', '.join(known)}")
        unknown = sorted({*array.flat} - {*known})
        if unknown:
            raise self._error(name, f"has '{unknown[0]}', which is none of {', '.join(known)}")
        return array

    def _of(self, name: str, axes: Sequence[Axis], kinds: str, wanted: str) -> NDArray[Any]:
        array = self.by_name[name]
        if array.dtype.kind not in kinds:
            raise self._error(name, f"has the type {array.dtype}; save it as {wanted}")
        if not _fits(array.shape, axes):
            raise self._error(name, f"has the shape {array.shape}, not {_shown(axes)}")
        if not array.size:
            raise self._error(name, "is empty")
        return array

    def _require_range(self, name: str, array: NDArray[Any], low: float, high: float) -> None:
        for value in (array.min(), array.max()):
            if not low <= value <= high:
                raise self._error(name, f"has the value {value}, which is not in {low} to {high}")

    def _error(self, name: str, what: str) -> DataError:
        return DataError(f"{self.path}: the array '{name}' {what}")


def _fits(shape: tuple[int, ...], axes: Sequence[Axis]) -> bool:
    return len(shape) == len(axes) and all(map(_is_one_of, shape, axes))


def _is_one_of(length: int, axis: Axis) -> bool:
    if isinstance(axis, str):
        return True
    return length in (axis if isinstance(axis, tuple) else (axis,))


def _shown(axes: Sequence[Axis]) -> str:
    words = (" or ".join(map(str, a)) if isinstance(a, tuple) else str(a) for a in axes)
    return f"({', '.join(words)})"


def read(path: Path, names: Sequence[str]) -> Arrays:
    """Return the named arrays of a file; raise DataError if it is no npz file or lacks one."""
    return _opened(path, lambda file: _arrays(path, file, names))


def names(path: Path) -> list[str]:
    """Return the names of a file's arrays; raise DataError if it is no npz file."""
    return _opened(path, lambda file: list(file.files))


def _opened(path: Path, function: Callable[[np.lib.npyio.NpzFile], Found]) -> Found:
    """Return what a function reads of a file; raise DataError if it is no npz file."""
    try:
        # numpy leaves a file that it opens itself open if it is no npz file
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise DataError(f"{path}: is no npz file but one array; save it by numpy.savez")
            with loaded:
                return function(loaded)
    except ValueError as error:
        # numpy takes what it does not know for a pickle, and advises to open it
        reason = "its content is not what numpy.savez writes"
        raise DataError(f"{path}: is no npz file: {reason}") from error
    except _UNREADABLE as error:
        raise DataError(f"{path}: is no npz file: {first_line(error)}") from error


def _arrays(path: Path, loaded: Mapping[str, Any], names: Sequence[str]) -> Arrays:
    return Arrays(path, {name: _array(path, loaded, name, names) for name in names})


def _array(path: Path, file: Mapping[str, Any], name: str, names: Sequence[str]) -> NDArray[Any]:
    if name not in file:
        raise DataError(f"{path}: has no array '{name}'; it needs {', '.join(names)}")
    try:
        array = file[name]
    except _UNREADABLE as error:
        reason = first_line(error)
        raise DataError(f"{path}: the array '{name}' cannot be read: {reason}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: the array '{name}' is no array of numpy; save it by numpy.savez")
    return array


# of numpy and zipfile for content that is something else; ValueError is a pickle's
_UNREADABLE = (BadZipFile, EOFError, MemoryError, OSError, RuntimeError, ValueError, zlib.error)


def first_files(folders: Sequence[Path], pattern: str) -> list[Path]:
    """Return the files of a pattern in the first folder that has any, sorted by their names."""
    return next((found for folder in folders if (found := _files(folder, pattern))), [])


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())
