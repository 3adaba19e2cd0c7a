"""Where data sets are, and whether their files are what they should be.

A file is searched for in the folder that URNN_BENCH_DATA names, then in the user's cache. It is
used only if its hash is the known one.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

from urnn_bench import files, proposals
from urnn_bench.errors import DataError

DATA = "URNN_BENCH_DATA"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Files known by their SHA-256, and the addresses that they can be fetched from.

    ``name`` is the name of its folder, and the argument of ``urnn-bench prepare``; a mirror is an
    address without the name of the file at its end. No file is larger than ``limit_mb``: a mirror
    that sends more is left.

    A data set without mirrors is the user's to bring: ``origin`` says where a person finds it. With
    ``any_file`` each of its files holds all of it. A hash that begins with "md5:" is an MD5.
    """

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]
    files: Mapping[str, str]
    limit_mb: float = 256
    any_file: bool = False
    origin: str = ""


class Found(NamedTuple):
    """The file of a data set that was read: its name, its bytes and its path."""

    file: str
    content: bytes
    path: Path


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
    found = _first(data, (file,), include)
    return found.content, found.path


def read_any(data: DataSet) -> Found:
    """Return the first file that is there and intact, of a data set that each file holds.

    Raises DataError if none is.
    """
    return _first(data, tuple(data.files))


def _first(data: DataSet, files: Sequence[str], include: Sequence[str] = ()) -> Found:
    """Return the first of some files that is there and intact; raise DataError if none is."""
    damaged = None
    for folder, file in product(folders(), files):
        for path in (folder / data.name / file, folder / file):
            content = _content(path)
            if content is not None and _is_known(content, data.files[file]):
                return Found(file, content, path)
            # a file of that name outside the data set's folder may well be another data set's
            if content is not None and path.parent.name == data.name:
                damaged = path
    if damaged is not None:
        raise DataError(_damaged(data, damaged, include))
    raise DataError(_missing(data, files, include))


def _is_known(content: bytes, known: str) -> bool:
    kind, _, digest = known.rpartition(":")
    # an MD5 tells versions apart, and keeps nobody out
    return hashlib.new(kind or "sha256", content, usedforsecurity=False).hexdigest() == digest


def _damaged(data: DataSet, path: Path, include: Sequence[str]) -> str:
    kind = "MD5" if data.files[path.name].startswith("md5:") else "SHA-256"
    text = f"{path}: is damaged or another file (its {kind} is not the known one); "
    if data.mirrors:
        return f"{text}fetch it again with: {_command(data, include)}"
    return f"{text}put another copy there{_from(data)}"


def _missing(data: DataSet, files: Sequence[str], include: Sequence[str]) -> str:
    where = " or ".join(str(folder / data.name) for folder in folders())
    names = " or ".join(files)
    if data.mirrors:
        mend = f"fetch it with: {_command(data, include)} (or say where it lies by --data-dir)"
    else:
        mend = f"put it there{_from(data)}, or say where it lies by --data-dir"
    return f"{data.name}: {names} is not in {where}; {mend}"


def _command(data: DataSet, include: Sequence[str]) -> str:
    return proposals.prepare(data.name, os.environ.get(DATA) or None, include)


def _from(data: DataSet) -> str:
    return f" ({data.origin})" if data.origin else ""


def _content(path: Path) -> bytes | None:
    """Return the bytes of a file, None if there is none; raise DataError if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def check(data: DataSet, include: Sequence[str] = ()) -> None:
    """Raise DataError unless what a data set needs of its files is there and intact."""
    if data.any_file:
        read_any(data)
        return
    for file in data.files:
        read(data, file, include)
