"""Where data sets are, and whether their files are what they should be.

A file is searched for in the folder that URNN_BENCH_DATA names, then in the user's cache. It is
used only if its SHA-256 is the known one.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from urnn_bench import files, proposals
from urnn_bench.errors import DataError

DATA = "URNN_BENCH_DATA"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Files known by their SHA-256, and the addresses that they can be fetched from.

    ``name`` is the name of its folder, and the argument of ``urnn-bench prepare``; a mirror is an
    address without the name of the file at its end. No file is larger than ``limit_mb``: a mirror
    that sends more is left.
    """

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]
    files: Mapping[str, str]
    limit_mb: float = 256


def folders() -> tuple[Path, ...]:
    """Return the folders that are searched; files are fetched into the first.

    Raises DataError if the variable names the home folder of nobody.
    """
    cache = files.cache_folder() / "data"
    setting = os.environ.get(DATA)
    try:
        return (files.expanded(setting), cache) if setting else (cache,)
    except OSError as error:
        raise DataError(f"{DATA}={setting}: {error.strerror}") from error


def read(data: DataSet, file: str, include: Sequence[str] = ()) -> tuple[bytes, Path]:
    """Return the bytes of a file and its path: in a folder of its data set, or of all data.

    Raises DataError, with the command that fetches it, if it is missing or damaged; ``include`` are
    the user's files, one of which may define the data set.
    """
    damaged = None
    command = proposals.prepare(data.name, os.environ.get(DATA) or None, include)
    for folder in folders():
        for path in (folder / data.name / file, folder / file):
            content = _content(path)
            if content is not None and hashlib.sha256(content).hexdigest() == data.files[file]:
                return content, path
            # a file of that name outside the data set's folder may well be another data set's
            if content is not None and path.parent.name == data.name:
                damaged = path
    if damaged is not None:
        raise DataError(
            f"{damaged}: is damaged or another file (its SHA-256 is not the known "
            f"one); fetch it again with: {command}"
        )
    where = " or ".join(str(folder / data.name) for folder in folders())
    raise DataError(
        f"{data.name}: {file} is not in {where}; fetch it with: {command} "
        "(or say where it lies by --data-dir)"
    )


def _content(path: Path) -> bytes | None:
    """Return the bytes of a file, None if there is none; raise DataError if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def check(data: DataSet, include: Sequence[str] = ()) -> None:
    """Raise DataError unless every file of a data set is there and intact."""
    for file in data.files:
        read(data, file, include)
