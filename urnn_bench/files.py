"""Files that are complete or absent, never written through a link, and never read without a limit.

A results folder may come from a stranger: a name in it may be a link to another place, a FIFO that
never ends, or a file of many gigabytes. Every function raises OSError that names the file.
"""

import errno
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".part"
_IS_LINK = "is a link, and nothing is written through links"
# a file that is still being written is younger than this
_STALE_S = 3600.0
# a link is refused, and opening a FIFO does not wait for its other end
_SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC


def write_atomically(path: Path, write: Callable[[BinaryIO], object], mode: int = 0o644) -> None:
    """Write a temporary file in the folder of ``path`` and rename it once it is on the disk.

    In the same folder, as a rename is atomic within a file system only. A link at ``path`` is
    replaced, not followed. Raises what ``write`` raises, and OSError; ``path`` is then as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            # before the rename: after a power cut the name may be on the disk and the content not
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner can read
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _of_file(error, path) from error
    # an interrupt too must not leave the partial file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def open_append(path: Path) -> BinaryIO:
    """Open a regular file for appending, and create it if there is none; refuse a link."""
    # for the sentence; a link that is made after this is refused by the flags
    if path.is_symlink():
        raise OSError(errno.ELOOP, _IS_LINK, str(path))
    with naming(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _SAFE_FLAGS, 0o644)
    return _regular(descriptor, path, "ab")


def read_bytes(path: Path, limit_mb: float) -> bytes:
    """Return the bytes of a regular file; raise OSError for any other, or a larger one."""
    with _regular(os.open(path, os.O_RDONLY | _READ_FLAGS), path, "rb") as file:
        # one byte more than is allowed, as a file may grow while it is read
        limit = int(limit_mb * 2**20)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit_mb:g} MiB", str(path))
    return data


def require_real_folder(path: Path, root: Path) -> None:
    """Raise OSError if ``path``, or a folder between it and ``root``, is a link or not a folder.

    ``root`` itself may be a link, as people keep their results on another disk.
    """
    for folder in (path, *path.parents):
        if folder == root or root not in folder.parents:
            return
        if folder.is_symlink():
            raise OSError(errno.ELOOP, _IS_LINK, str(folder))
        if folder.exists() and not folder.is_dir():
            raise OSError(errno.ENOTDIR, "is not a folder", str(folder))


def remove_stale_parts(folder: Path) -> None:
    """Remove what a killed process left unfinished in a folder, if it is an hour old."""
    for path in folder.glob(f".*{PARTIAL}"):
        if is_stale(path):
            path.unlink(missing_ok=True)


def is_stale(path: Path) -> bool:
    """Return whether a file was written too long ago for its writer to be still at work."""
    try:
        return time.time() - path.lstat().st_mtime > _STALE_S
    except OSError:
        return False


# a reader follows links: records may be kept elsewhere, and reading harms nothing
_READ_FLAGS = _SAFE_FLAGS & ~getattr(os, "O_NOFOLLOW", 0)


def _regular(descriptor: int, path: Path, mode: str) -> BinaryIO:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(descriptor, mode)  # type: ignore[return-value]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file, as one of a full disk names none."""
    try:
        yield
    except OSError as error:
        raise _of_file(error, path) from error


def _of_file(error: OSError, path: Path) -> OSError:
    """Return an error that names the file of the user, not a temporary one or none."""
    return type(error)(error.errno, error.strerror, str(path))
