"""CIFAR-10 in its binary version, as its archive or as the six files in it.

A file has 10,000 images of 3,073 bytes: the class, then 32 × 32 bytes each of red, green and blue.
The versions for Python are pickles, which can run code, and are never read.

N images, P values of all channels of an image.
"""

import tarfile
import zlib
from collections.abc import Mapping, Sequence
from gzip import BadGzipFile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError

NAME, ARCHIVE = "cifar10", "cifar-10-binary.tar.gz"
# channels, rows, columns
SHAPE = 3, 32, 32
TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
IMAGES, _ROW, _CLASSES = 10_000, 3073, 10
_BYTES = IMAGES * _ROW
# the folder in the archive
_UNPACKED = "cifar-10-batches-bin"
_PICKLES = ("cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1")
_ORIGIN = "the binary version of https://www.cs.toronto.edu/~kriz/cifar.html"


class Part(NamedTuple):
    """Values of pixels (N, P), channel by channel, and classes (N)."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.uint8]


def read(folders: Sequence[Path]) -> tuple[Part, Part]:
    """Return the images for training and for the test, of the first folder that has a file.

    Raises DataError if a file is missing, damaged or another one.
    """
    for folder in folders:
        for place in (folder / NAME, folder / NAME / _UNPACKED):
            if (place / ARCHIVE).is_file():
                return _of_archive(place / ARCHIVE)
            if any((place / name).is_file() for name in (*TRAINING, TEST)):
                return _of_files(place)
    raise DataError(_missing(folders))


def _missing(folders: Sequence[Path]) -> str:
    for folder in folders:
        for name in _PICKLES:
            if (path := folder / NAME / name).exists():
                return f"{path}: is of pickles, which are never read; take {ARCHIVE}, {_ORIGIN}"
    return (
        f"{NAME}: {ARCHIVE} is not in {folders[0] / NAME}; put it there, {_ORIGIN}, or say by "
        "--data-dir where it lies: it is yours to bring"
    )


def _of_files(place: Path) -> tuple[Part, Part]:
    return _parts({name: _content(place / name) for name in (*TRAINING, TEST)}, place)


def _content(path: Path) -> bytes:
    try:
        _require_size(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _of_archive(path: Path) -> tuple[Part, Part]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            # in the order of the archive: to go back would be to unpack it again
            contents = {
                name: _member(archive, member, path)
                for member in archive
                if (name := Path(member.name).name) in (*TRAINING, TEST) and member.isfile()
            }
    except (tarfile.TarError, BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is no whole archive; put another copy there") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return _parts(contents, path)


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> bytes:
    # the size is checked first: a file that is none of CIFAR-10 may be larger than the memory
    _require_size(path / Path(member.name).name, member.size)
    file = archive.extractfile(member)
    assert file is not None, "it is a regular file"
    return file.read()


def _require_size(path: Path, size: int) -> None:
    if size != _BYTES:
        raise DataError(
            f"{path}: has {size:,} bytes, not {_BYTES:,} as a file of CIFAR-10 has; put another "
            "copy there"
        )


def _parts(contents: Mapping[str, bytes], path: Path) -> tuple[Part, Part]:
    """Return the parts of all files by their names; raise DataError if one is not there."""
    lacking = [name for name in (*TRAINING, TEST) if name not in contents]
    if lacking:
        raise DataError(f"{path}: lacks {lacking[0]}; put another copy there")
    rows = {name: _rows(content, path / name) for name, content in contents.items()}
    training = np.concatenate([rows[name] for name in TRAINING])
    return _part(training), _part(rows[TEST])


def _rows(content: bytes, path: Path) -> NDArray[np.uint8]:
    """Return the images of a file with their classes, (N, 1 + P)."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, _ROW)
    wrong = np.flatnonzero(rows[:, 0] >= _CLASSES)
    if len(wrong):
        raise DataError(
            f"{path}: image {wrong[0]:,} has the class {rows[wrong[0], 0]}, which is not in 0 to "
            f"{_CLASSES - 1}; put another copy there"
        )
    return rows


def _part(rows: NDArray[np.uint8]) -> Part:
    return Part(rows[:, 1:].copy(), rows[:, 0].copy())
