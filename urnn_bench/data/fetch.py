"""Fetch what is missing of a data set, from the first mirror that has it."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pooch
from requests import RequestException

from urnn_bench.data.store import DATA, DataSet, folders, locate, read
from urnn_bench.errors import DataError

OFFLINE = "URNN_BENCH_OFFLINE"
_TIMEOUT_S = 30


def prepare(data: DataSet, file: str, say: Callable[[str], None]) -> tuple[Path, bool]:
    """Return where a file lies, and whether it had to be fetched; what is whole is left alone.

    Raises DataError if it cannot be fetched, with the reason of every mirror.
    """
    try:
        read(data, file)
    except DataError as error:
        return _fetch(data, file, error, say), True
    path = locate(data, file)
    assert path is not None, "what was read is there"
    return path, False


def _fetch(data: DataSet, file: str, why: DataError, say: Callable[[str], None]) -> Path:
    # a damaged file is replaced where it lies; otherwise it would go on hiding the whole one
    target = locate(data, file) or folders()[0] / data.name / file
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        raise DataError(f"{str(why).split(';')[0]}, and {OFFLINE} forbids to fetch it; unset that, "
                        f"or put the file into {target.parent}")  # fmt: skip
    failed = []
    for mirror in data.mirrors:
        host = urlsplit(mirror).netloc
        say(f"fetching {file} from {host}")
        if (reason := _from(mirror + file, data.files[file], target)) is None:
            return target
        failed.append(f"{host}: {reason}")
    raise DataError(f"{data.name}: {file} could not be fetched ({'; '.join(failed)}); try again, "
                    f"or put it into {target.parent}")  # fmt: skip


def _from(url: str, sha256: str, target: Path) -> str | None:
    """Fetch one file beside its place and move it there once it is whole; return what went wrong.

    Raises DataError if the folder cannot be written to.
    """
    # its sentences on what it fetches are ours to say
    pooch.get_logger().setLevel(logging.WARNING)
    _make(target.parent)
    try:
        pooch.retrieve(
            url, f"sha256:{sha256}", fname=target.name, path=target.parent,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_S),
        )  # fmt: skip
    except RequestException as error:
        response = error.response
        return type(error).__name__ if response is None else f"status {response.status_code}"
    except ValueError:
        return "what came is not the file"
    return None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(_unwritable(folder, error)) from error
    if not os.access(folder, os.W_OK):
        raise DataError(_unwritable(folder, PermissionError(13, "Permission denied")))


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"{folder}: cannot be written to ({error.strerror}); choose another by --data-dir or {DATA}"
    )
