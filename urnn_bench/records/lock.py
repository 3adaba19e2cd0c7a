"""The lock of a run's folder: one process at a time writes there.

Processes of one host exclude each other by a lock of the operating system, which ends with its
process; those of several hosts by a lease.
"""

import errno
import fcntl
import os
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from urnn_bench.files import open_append
from urnn_bench.records.lease import TAKEOVER_S, Lease, is_held_elsewhere
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.refused import ANOTHER, refused

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[Lease | None]:
    """Lock ``folder`` and yield its lease, or yield None if another process has locked it.

    Raises RecordsError if the folder cannot be locked, and OSError if none can.
    """
    path = folder / LOCK
    with refused(folder, "cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with refused(path, "cannot be locked", f"move it away, or {ANOTHER}"):
            lease = _locked(path, Lease(folder), held)
        yield lease


def _locked(path: Path, lease: Lease, held: ExitStack) -> Lease | None:
    _require_regular(path)
    _require_locks(path)
    lock = FileLock(path)
    # long enough to outlast a process that only tests the lock
    if not _acquired(lock, timeout_s=0.5):
        return None
    held.callback(lock.release)
    _warn_of_takeover(path.parent, lease)
    if not lease.acquire():
        return None
    held.callback(lease.release)
    return lease


def _warn_of_takeover(folder: Path, lease: Lease) -> None:
    if (host := lease.abandoned_by) is not None:
        minutes = TAKEOVER_S / 60
        text = f"{folder}: nothing was heard of its process on {host} for {minutes:g} minutes"
        warnings.warn(f"{text}; it is taken over unless that changes", RecordsWarning, 2)


def is_locked(folder: Path) -> bool:
    """Return whether a process of this or another host has locked a run; True if that is unknown.

    A reader creates no file and may have no right to write, so it does not take filelock's lock,
    which is an exclusive flock. A shared one is refused while that is held, and is released at
    once; a process that begins to train meanwhile tries again for longer than this takes.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(folder / LOCK, flags)
    except OSError as error:
        # a link is never locked, as filelock follows none
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return is_held_elsewhere(folder, time.time())


def _require_locks(path: Path) -> None:
    """Raise OSError if files cannot be locked there, where filelock may use no lock of the system.

    A shared lock, as in ``_is_locked``.
    """
    with open_append(path) as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _acquired(lock: FileLock, timeout_s: float) -> bool:
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        return False
    return True


def _require_regular(path: Path) -> None:
    """Raise OSError if there is something that is not a regular file; a link is none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
