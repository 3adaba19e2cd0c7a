"""Errors that nothing below has handled, in one sentence."""

import errno
import os
import sys
from collections.abc import Iterable
from types import TracebackType

from urnn_bench.cli.display.paragraphs import paragraph, width_of
from urnn_bench.cli.display.streams import write_err
from urnn_bench.text import message

TRACEBACK = "URNN_BENCH_TRACEBACK"

_AGAIN = "then run the same command again; a run resumes"
_ADVICE = {
    errno.ENOSPC: f"no space is left on the disk; free some, {_AGAIN}",
    errno.EDQUOT: f"your disk quota is used up; free some space, {_AGAIN}",
    errno.EFBIG: f"the file would exceed the size limit; raise it with 'ulimit -f', {_AGAIN}",
    errno.EMFILE: (
        f"too many files are open; raise the limit with 'ulimit -n' or use --no-stacked, {_AGAIN}"
    ),
    errno.ENFILE: f"too many files are open on this machine; close some programs, {_AGAIN}",
    errno.EROFS: "the file system is read-only; choose a folder on another one",
    errno.EACCES: "permission denied; change the permissions, or choose another folder",
    errno.EPERM: "permission denied; change the permissions, or choose another folder",
    errno.EBADF: "it is closed; redirect it to a file, or to /dev/null",
}
_NO_MEMORY = "out of memory; close some programs, or use a smaller --batch"
_TOO_DEEP = "the input is nested too deeply"


def sentence(error: OSError) -> str:
    """Return what could not be done with which file, and what mends it."""
    if error.strerror is None:
        return str(error)
    where = "" if error.filename is None else f"{_name(error.filename)}: "
    # a text of our own says more than its number
    is_standard = error.errno is not None and error.strerror == os.strerror(error.errno)
    advice = _ADVICE.get(error.errno or 0) if is_standard else None
    return f"{where}{advice or error.strerror}"


def show_error(text: str, frames: Iterable[object] = ()) -> None:
    """Write an error to stderr, and below it the lines of a user's files, if any.

    It is one line, which a terminal shows wrapped between its words.
    """
    text = paragraph(f"urnn-bench: error: {message(text)}", width_of(sys.stderr))
    write_err(f"{text}\n")
    for frame in frames:
        write_err(f"  {message(str(frame))}\n")


def show_unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say what to do about an exception that nobody expected; Python then exits with 1.

    As ``sys.excepthook``: an exception still ends whatever called this package.
    """
    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        sys.__excepthook__(kind, error, trace)
    show_error(_unexpected(error))


def _unexpected(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return _NO_MEMORY
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return (
        f"{what}; this is a fault of urnn-bench: please report it with the command you typed "
        f"and what {TRACEBACK}=1 shows"
    )


def _name(file: str | bytes | int) -> str:
    return os.fsdecode(file) if isinstance(file, bytes) else str(file)
