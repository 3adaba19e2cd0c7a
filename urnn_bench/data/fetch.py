"""Fetch the missing files of a data set, from the first mirror that has them."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pooch
from requests import RequestException

from urnn_bench.data.store import DATA, DataSet, folders, read
from urnn_bench.errors import DataError
from urnn_bench.files import write_atomically

OFFLINE = "URNN_BENCH_OFFLINE"
_TIMEOUT_S = 30


def prepare(data: DataSet, say: Callable[[str], None]) -> list[tuple[Path, bool]]:
    """Return the paths of a data set's files, and for each whether it had to be fetched.

    Files that are intact are not touched. Raises DataError if a file cannot be fetched, with the
    reason of every mirror.
    """
    return [_prepare(data, file, say) for file in data.files]


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
    failed = []
    for mirror in data.mirrors:
        host = urlsplit(mirror).netloc
        say(f"fetching {file} from {host}")
        if (reason := _from(mirror + file, data.files[file], target)) is None:
            return target
        failed.append(f"{host}: {reason}")
    raise DataError(
        f"{data.name}: {file} could not be fetched ({'; '.join(failed)}); try again, "
        f"or put it into {target.parent}"
    )


def _from(url: str, sha256: str, target: Path) -> str | None:
    """Fetch one file and put it in its place once it is complete; return what went wrong."""
    # pooch logs every download and its hash; ``say`` has already said what matters
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT_S)
    try:
        # not straight into the data folder: pooch would leave there what it could not finish
        with TemporaryDirectory(prefix="urnn-bench-") as folder:
            name = pooch.retrieve(
                url, f"sha256:{sha256}", target.name, folder, downloader=downloader
            )
            write_atomically(target, lambda file: file.write(Path(name).read_bytes()))
    except RequestException as error:
        response = error.response
        return type(error).__name__ if response is None else f"status {response.status_code}"
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror}") from error
    except ValueError:
        return "what came is not the file"
    return None


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
