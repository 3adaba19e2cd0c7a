"""Fetch the missing files of a data set, from the first mirror that has them."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import pooch
from requests import RequestException

from urnn_bench.data.store import DATA, DataSet, folders, read, read_any
from urnn_bench.errors import DataError, attempt
from urnn_bench.files import remove_stale_parts, temporary_folder, write_atomically

OFFLINE = "URNN_BENCH_OFFLINE"
# so long a mirror may say nothing, and so long it may take for one file
_TIMEOUT_S = 30
_TIME_LIMIT_S = 1800.0


class _SizeError(ValueError):
    """A mirror sends more than a file may have."""


class _TimeError(ValueError):
    """A mirror has not sent a file in time."""


def prepare(data: DataSet, say: Callable[[str], None]) -> list[tuple[Path, bool]]:
    """Return the paths of a data set's files, and for each whether it had to be fetched.

    Files that are intact are not touched. Raises DataError if a file cannot be fetched, with the
    reason of every mirror, or where to find it if there is no mirror.
    """
    if not data.mirrors:
        return [(path, False) for path in _brought(data)]
    return [_prepare(data, file, say) for file in data.files]


def _brought(data: DataSet) -> list[Path]:
    """Return the paths of the files that a user has brought; raise DataError if one is missing."""
    if data.any_file:
        return [read_any(data).path]
    return [read(data, file)[1] for file in data.files]


def _prepare(data: DataSet, file: str, say: Callable[[str], None]) -> tuple[Path, bool]:
    try:
        return read(data, file)[1], False
    except DataError as error:
        return _fetch(data, file, error, say), True


def _fetch(data: DataSet, file: str, why: DataError, say: Callable[[str], None]) -> Path:
    target = folders()[0] / data.name / file
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        raise DataError(
            f"{str(why).split(';')[0]}, and {OFFLINE} forbids to fetch it; unset that, "
            f"or put the file into {target.parent}"
        )
    _make(target.parent)
    remove_stale_parts(target.parent)
    failed = []
    for mirror in data.mirrors:
        host = urlsplit(mirror).netloc
        say(f"fetching {file} from {host}")
        if (reason := _from(mirror + file, data, target)) is None:
            return target
        failed.append(f"{host}: {reason}")
    raise DataError(
        f"{data.name}: {file} could not be fetched ({'; '.join(failed)}); try again, "
        f"or put it into {target.parent}"
    )


def _from(url: str, data: DataSet, target: Path) -> str | None:
    """Fetch one file and put it in its place once it is complete; return what went wrong."""
    # pooch logs every download and its hash; ``say`` has already said what matters
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        # not straight into the data folder: pooch would leave there what it could not finish
        with temporary_folder() as folder:
            content = _download(url, data, folder / target.name).read_bytes()
        write_atomically(target, lambda file: file.write(content))
    except RequestException as error:
        response = error.response
        return type(error).__name__ if response is None else f"status {response.status_code}"
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror}") from error
    except (_SizeError, _TimeError) as error:
        return str(error)
    except ValueError:
        return "what came is not the file"
    return None


def _download(url: str, data: DataSet, target: Path) -> Path:
    """Return a file that was fetched and verified; raise what pooch raises, or ValueError.

    In a thread, which ends with the program: a server that sends a byte now and then never lets a
    read time out.
    """
    ended = SimpleQueue[Path | Exception]()
    Thread(target=lambda: ended.put(attempt(_retrieve, url, data, target)), daemon=True).start()
    try:
        fetched = ended.get(timeout=_TIME_LIMIT_S)
    except Empty:
        raise _TimeError(f"not sent within {_TIME_LIMIT_S:g} s") from None
    try:
        if isinstance(fetched, Exception):
            raise fetched
        return fetched
    finally:
        # else the error would hold itself, and its connection open, until the next collection
        del fetched


def _retrieve(url: str, data: DataSet, target: Path) -> Path:
    limit = _Limit(data.limit_mb)
    downloader = pooch.HTTPDownloader(progressbar=limit, timeout=_TIMEOUT_S)
    known_hash = f"sha256:{data.files[target.name]}"
    return Path(pooch.retrieve(url, known_hash, target.name, target.parent, downloader=downloader))


class _Limit:
    """What pooch takes for a bar of progress: it ends a download that is too large."""

    def __init__(self, limit_mb: float) -> None:
        self._limit_mb, self._received = limit_mb, 0

    @property
    def total(self) -> int:
        """The size that the server promises."""
        return 0

    @total.setter
    def total(self, size: int) -> None:
        self._require(size)

    def update(self, size: int) -> None:
        """Count what came."""
        self._received += size
        self._require(self._received)

    def reset(self) -> None:
        """Begin to count again: at the end pooch reports the whole file once more."""
        self._received = 0

    def close(self) -> None:
        """Do nothing; pooch calls it at the end."""

    def _require(self, size: int) -> None:
        if size > self._limit_mb * 2**20:
            raise _SizeError(f"sent more than the limit_mb of its data set, {self._limit_mb:g}")


def _make(folder: Path) -> None:
    """Make a folder; raise DataError if it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(_unwritable(folder, error.strerror)) from error
    if not os.access(folder, os.W_OK):
        raise DataError(_unwritable(folder, "permission denied"))


def _unwritable(folder: Path, why: str | None) -> str:
    return f"{folder}: cannot be written to ({why}); choose another by --data-dir or {DATA}"
