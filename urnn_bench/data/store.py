"""Where data sets lie, and whether their files are what they should be.

A file is looked for in the folder that URNN_BENCH_DATA names, then in the user's cache; it is used
only if its SHA-256 is the known one.
"""

import hashlib
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from urnn_bench.errors import DataError

DATA = "URNN_BENCH_DATA"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Files known by their SHA-256, and the addresses that they can be fetched from.

    ``name`` is that of its folder and of what ``urnn-bench prepare`` takes; a mirror is all of an
    address that stands before the name of a file.
    """

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]
    files: Mapping[str, str]


def folders() -> tuple[Path, ...]:
    """Return the folders that are searched, the first of which takes what is fetched."""
    cache = user_cache_path("urnn-bench") / "data"
    given = os.environ.get(DATA)
    return (Path(given).expanduser(), cache) if given else (cache,)


def read(data: DataSet, file: str) -> tuple[bytes, Path]:
    """Return the bytes of a file and where it lies: in its data set's folder, or loose in one.

    Raises DataError, with the command that mends it, if it is nowhere or damaged.
    """
    damaged = None
    mend = f"urnn-bench prepare {data.name}" + _given()
    for folder in folders():
        for path in (folder / data.name / file, folder / file):
            content = _content(path)
            if content is not None and hashlib.sha256(content).hexdigest() == data.files[file]:
                return content, path
            if content is not None and path.parent.name == data.name:
                damaged = path
    if damaged is not None:
        raise DataError(
            f"{damaged}: is damaged or another file (its SHA-256 is not the known "
            f"one); fetch it again with: {mend}"
        )
    where = " or ".join(str(folder / data.name) for folder in folders())
    raise DataError(
        f"{data.name}: {file} is not in {where}; fetch it with: {mend} "
        "(or say where it lies by --data-dir)"
    )


def _content(path: Path) -> bytes | None:
    """Return what a file holds, None if there is none; raise DataError if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _given() -> str:
    """Return the option that names the folder in use, if it is not the cache."""
    folder = os.environ.get(DATA)
    return f" --data-dir {shlex.quote(folder)}" if folder else ""


def check(data: DataSet) -> None:
    """Raise DataError unless every file of a data set is there and whole."""
    for file in data.files:
        read(data, file)
