"""The lease of a folder: which process writes there, also among processes of several hosts.

A lock of the operating system ends with its process, but many network file systems lock nothing
between hosts. A lease is a file that its process touches again and again. A process of another host
takes it over once it has not been touched for a while.
"""

import os
import socket
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

LEASE = ".lease"
# clients of NFS may see an older time of a file for a minute
TAKEOVER_S = 300.0
_TOUCH_S = 5.0
# what a process must see untouched by its own clock before it takes over
_EXPIRY_S = 15.0
# long enough for one whose process on this host is dead
_AT_ONCE_S = 0.5


class Lease:
    """The lease of a folder; raises OSError where no file can be made."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEASE
        self._lease = SoftFileLease(
            self._path,
            lease_duration=_EXPIRY_S,
            heartbeat_interval=_TOUCH_S,
            thread_local=False,
        )
        self._file: tuple[int, int] | None = None

    @property
    def abandoned_by(self) -> str | None:
        """Another host whose process has not touched the lease for ``TAKEOVER_S``, if there is."""
        host = _other_host(self._lease)
        return host if host and self._untouched_s() > TAKEOVER_S else None

    def acquire(self) -> bool:
        """Return whether this process holds the lease from now on.

        The lease of a dead process of this host is taken over at once. That of another host is if
        it was not touched for ``TAKEOVER_S``, and is not while this process looks. One that names
        nobody is removed after that time.
        """
        self._remove_torn()
        timeout_s = 2 * _EXPIRY_S if self.abandoned_by else _AT_ONCE_S
        try:
            self._lease.acquire(timeout=timeout_s)
        # another version may let its leases expire at another time
        except (Timeout, LeaseSettingsMismatch):
            return False
        self._file = _file_of(self._path)
        return True

    def release(self) -> None:
        """Remove the lease if this process holds it."""
        self._lease.release()

    @property
    def is_held(self) -> bool:
        """Whether no other process has taken over the lease of this one."""
        found = _file_of(self._path)
        if self._lease.compromise is None:
            return found in (self._file, None)
        # filelock touches it no more once the file server has failed for a while
        with suppress(OSError):
            os.utime(self._path)
        return found == self._file

    def _remove_torn(self) -> None:
        """Remove what a process left that was killed while it wrote its name."""
        if self._lease.owner is None and self._untouched_s() > TAKEOVER_S:
            self._path.unlink(missing_ok=True)

    def _untouched_s(self) -> float:
        """Return for how long no process has touched the lease, by the clock of the file server."""
        with suppress(FileNotFoundError):
            touched = self._path.lstat().st_mtime
            with tempfile.TemporaryFile(dir=self._path.parent) as file:
                return os.fstat(file.fileno()).st_mtime - touched
        return 0.0


def break_lease(folder: Path, pid: int) -> None:
    """Remove the lease of a process that is known to be dead, on whatever host it was."""
    lease = SoftFileLease(folder / LEASE, lease_duration=_EXPIRY_S)
    if lease.pid == pid:
        lease.force_break()


def is_held_elsewhere(folder: Path, now_s: float) -> bool:
    """Return whether a process of another host holds a folder, by the clock of this one.

    On this host the lock of the operating system tells.
    """
    path = folder / LEASE
    if _other_host(SoftFileLease(path, lease_duration=_EXPIRY_S)) is None:
        return False
    with suppress(OSError):
        return now_s - path.lstat().st_mtime < TAKEOVER_S
    return False


def _other_host(lease: SoftFileLease) -> str | None:
    """Return the host of a lease's owner unless it is this one, or there is no owner.

    A container is a host of its own, as its processes cannot be seen from outside.
    """
    owner = lease.owner
    if owner is None or owner.hostname == _own_host():
        return None
    return owner.hostname.partition("?")[0]


@cache
def _own_host() -> str:
    """Return this host as filelock names it in a lease."""
    with tempfile.TemporaryDirectory() as folder:
        lease = SoftFileLease(Path(folder) / LEASE)
        with lease:
            owner = lease.owner
    return socket.gethostname() if owner is None else owner.hostname


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
