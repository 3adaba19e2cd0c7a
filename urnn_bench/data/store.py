"""Where data sets lie, and whether their files are what they should be.

A file is looked for in the folder that URNN_BENCH_DATA names, then in the user's cache; it is read
only if its SHA-256 is the known one.
"""

import hashlib
import os
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


def locate(data: DataSet, file: str) -> Path | None:
    """Return where a file lies: in its data set's folder, or loose in the folder given."""
    places = (folder / part / file for folder in folders() for part in (data.name, "."))
    return next((place for place in places if place.is_file()), None)


def read(data: DataSet, file: str) -> bytes:
    """Return the bytes of a file; raise DataError, with what mends it, if missing or changed."""
    path = locate(data, file)
    mend = f"urnn-bench prepare {data.name}"
    if path is None:
        where = " or ".join(str(folder / data.name) for folder in folders())
        raise DataError(f"{data.name}: {file} is not in {where}; fetch it with: {mend}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != data.files[file]:
        raise DataError(f"{path}: is damaged or another file (its SHA-256 is not the known one); "
                        f"fetch it again with: {mend}")  # fmt: skip
    return content


def check(data: DataSet) -> None:
    """Raise DataError unless every file of a data set is there and whole."""
    for file in data.files:
        read(data, file)
