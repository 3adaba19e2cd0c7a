"""Why the folder of a run cannot be used, in a sentence that says what mends it."""

import errno
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from urnn_bench.errors import UnwritableError

ANOTHER = "choose another folder with --results"
_LOCKS = f"its file system has no locks; {ANOTHER} on one that has"
_NO_RIGHT = (errno.EACCES, errno.EPERM)
# what mends other errors of the system, whatever was to be done
_MENDS = {
    errno.EROFS: ANOTHER,
    errno.EFBIG: f"raise the size limit with 'ulimit -f', or {ANOTHER}",
    errno.ENOLCK: _LOCKS,
    errno.ENOSYS: _LOCKS,
    errno.EOPNOTSUPP: _LOCKS,
}
# no other run can go on either
_OF_ALL_RUNS = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM}


def mend_of_link(link: Path, results: Path) -> str:
    """Return what to do about a link below the results: use those that it leads to, if any."""
    below = link.relative_to(results)
    # resolve() raises for links that lead to each other
    target = Path(os.path.realpath(link))
    root = Path(*target.parts[: -len(below.parts)])
    if root / below == target and os.path.isdir(target):
        return f"write to the folder itself with --results {shlex.quote(str(root))}"
    return f"put the folder in the place of the link, or {ANOTHER}"


@contextmanager
def refused(path: Path, what: str, mend: str = ANOTHER) -> Iterator[None]:
    """Turn an OSError of a block into an UnwritableError that names the file and says what to do.

    ``path`` is what the block writes to: the folder of a file that it replaces or removes.
    One that concerns all runs, such as that of a full disk, stays as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _OF_ALL_RUNS:
            raise
        place = Path(error.filename or path)
        if error.errno in _NO_RIGHT:
            mend = f"make {_unwritable(path)} writable, or {ANOTHER}"
        mend = _MENDS.get(error.errno or 0, mend)
        raise UnwritableError(f"{place}: {what} ({error.strerror}); {mend}") from error


def _unwritable(path: Path) -> Path:
    """Return what keeps a path from being written: itself, or the folder that it is in."""
    found = next((p for p in (path, *path.parents) if os.path.exists(p)), path)
    is_allowed = os.access(found, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    return found.parent if is_allowed else found
