"""Files that are complete or absent, never written through a link, and never read without a limit.

A results folder may come from a stranger: a name in it may be a link to another place, a FIFO that
never ends, or a file of many gigabytes. Every function raises OSError that names the file.
"""

import errno
import glob
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

PARTIAL = ".part"
_CACHE = "urnn-bench"
_IS_LINK = "is a link, and nothing is written through links"
# a file that is still being written is younger than this
_STALE_S = 3600.0
# the start of the name of a temporary folder
_TEMPORARY = ".urnn-bench-"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# a link is refused, and opening a FIFO does not wait for its other end
_SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC


def expanded(path: str) -> Path:
    """Return a path whose ``~`` or ``~user`` is the home folder; raise OSError if there is none."""
    try:
        text = os.path.expanduser(path)
    except ValueError:
        text = path
    if text == path and path.startswith("~"):
        name = path.partition(os.sep)[0]
        raise OSError(errno.ENOENT, f"no home folder of '{name}' is known; write it out", path)
    found = Path(text)
    # "./~" is a folder of that name, and Path takes the dot away
    return found.absolute() if str(found).startswith("~") else found


def cache_folder() -> Path:
    """Return the user's folder for what can be made again; a temporary one without a home folder.

    A container may run as a user that has no name and no home folder.
    """
    try:
        return user_cache_path(_CACHE)
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"{_CACHE}-{os.geteuid()}"


def write_atomically(path: Path, write: Callable[[BinaryIO], object], mode: int = 0o644) -> None:
    """Write a temporary file in the folder of ``path`` and rename it once it is on the disk.

    In the same folder, as a rename is atomic within a file system only. A link at ``path`` is
    replaced, not followed. Raises what ``write`` raises, and OSError; ``path`` is then as it was.
    """
    try:
        descriptor, name = tempfile.mkstemp(PARTIAL, f".{path.name}.", path.parent)
    except OSError as error:
        raise _of_file(error, path) from error
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
    try:
        return _read_bytes(path, limit_mb)
    except OSError as error:
        # another host has replaced the file while it was read over NFS
        if error.errno != errno.ESTALE:
            raise
    return _read_bytes(path, limit_mb)


def _read_bytes(path: Path, limit_mb: float) -> bytes:
    with _regular(os.open(path, os.O_RDONLY | _READ_FLAGS), path, "rb") as file:
        return _limited(file, limit_mb, path)


def read_trusted(path: Path, limit_mb: float) -> bytes:
    """Return the bytes of a regular file that only this user or root can change; follow no link."""
    with _regular(os.open(path, os.O_RDONLY | _SAFE_FLAGS), path, "rb") as file:
        _require_trusted(os.fstat(file.fileno()), path)
        return _limited(file, limit_mb, path)


def make_trusted_folder(path: Path) -> None:
    """Make a folder that only this user or root can write to, or raise OSError if it is another's.

    A folder of this user's that others may write to is closed to them.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & _WRITABLE_BY_OTHERS:
        path.chmod(stat.S_IMODE(found.st_mode) & ~_WRITABLE_BY_OTHERS)
    _require_trusted(path.stat(), path)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a folder that only this user can enter, and remove it at the end.

    Those that killed processes of this user left in ``parent``, by default the system's temporary
    folder, are removed first.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    for path in parent.glob(f"{_TEMPORARY}*{PARTIAL}"):
        if is_stale(path) and path.lstat().st_uid == os.geteuid():
            remove_if_allowed(path)
    with tempfile.TemporaryDirectory(PARTIAL, _TEMPORARY, parent) as name:
        yield Path(name)


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


def remove_stale_parts(folder: Path, name: str | None = None) -> None:
    """Remove what a killed process left unfinished in a folder, if it is an hour old.

    Only what was to become the file ``name``, if given: the folder may be of general use.
    """
    start = "" if name is None else f"{glob.escape(name)}."
    for path in folder.glob(f".{start}*{PARTIAL}"):
        if is_stale(path):
            remove_if_allowed(path)


def remove_if_allowed(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there and this user may."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def is_stale(path: Path, after_s: float = _STALE_S) -> bool:
    """Return whether a file was written too long ago for its writer to be still at work."""
    try:
        return time.time() - path.lstat().st_mtime > after_s
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


def _limited(file: BinaryIO, limit_mb: float, path: Path) -> bytes:
    # what is appended meanwhile is not read; a buffer as large as the limit would be slow
    size = os.fstat(file.fileno()).st_size
    if size > limit_mb * 2**20:
        raise OSError(errno.EFBIG, f"larger than {limit_mb:g} MiB", str(path))
    return file.read(size)


def _require_trusted(found: os.stat_result, path: Path) -> None:
    if found.st_uid not in (os.geteuid(), 0):
        raise OSError(errno.EPERM, "belongs to another user", str(path))
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise OSError(errno.EPERM, "can be written by other users", str(path))


def _of_file(error: OSError, path: Path) -> OSError:
    """Return an error that names the file of the user, not a temporary one or none."""
    return type(error)(error.errno, error.strerror, str(path))


def folders_beside(path: Path) -> list[str]:
    """Return the paths of the folders in a path's folder; none if that cannot be read."""
    with suppress(OSError, ValueError):
        return [str(other) for other in path.parent.iterdir() if other.is_dir()]
    return []
