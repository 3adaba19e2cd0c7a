"""The limit of open files: how many runs fit under it, and whether it was reached."""

import errno
import resource

import psutil

_FILES_PER_RUN = 4  # its lock, its lease, its metrics and its probes
# for data, the file that is being written, a compiler's pipes, and what libraries open
_FILES_IN_RESERVE = 16
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)


def runs_with_open_files() -> int:
    """Return how many runs can have their files open at once; at least one."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = 2**16
    free = limit - psutil.Process().num_fds() - _FILES_IN_RESERVE
    return max(1, free // _FILES_PER_RUN)


def is_out_of_files(error: BaseException) -> bool:
    """Return whether no more files could be opened."""
    return isinstance(error, OSError) and error.errno in _TOO_MANY_FILES
