"""What an exception of a run means: its status, its reason, its traceback."""

import errno
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch

from urnn_bench.errors import TooLargeError, first_line
from urnn_bench.files import write_atomically
from urnn_bench.records.folder import ERROR
from urnn_bench.user_frames import place_of, short_traceback

# torch and Python's threads raise a plain RuntimeError, so its text alone says what it is;
# "allocate memory" is that of torch's allocator and of the operating system
_NO_MEMORY = (
    "not enough memory",
    "out of memory",
    "allocate memory",
    "bad_alloc",
    "can't start new thread",
    # oneDNN has no memory for the code that it makes
    "could not create a primitive",
)
_LONGEST_REASON = 1000


def status_of(error: Exception, folder: Path) -> tuple[Literal["oom", "failed"], str]:
    """Return the status that an exception means; its traceback goes into the run's folder."""
    if isinstance(error, TooLargeError):
        return "oom", str(error)
    text = _report(error).encode(errors="backslashreplace")
    write_atomically(folder / ERROR, lambda file: file.write(text))
    first = first_line(error)[:_LONGEST_REASON]
    if _is_out_of_memory(error):
        # a MemoryError has no text
        return "oom", first or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None:
        return "failed", f"{error.filename}: {error.strerror} (see {folder / ERROR})"
    said = f"{type(error).__name__}: {first}{place_of(error)}"
    return "failed", f"{said} (see {folder / ERROR})"


def _report(error: Exception) -> str:
    """Return the lines of a user's files and what was raised there, or the whole traceback."""
    frames = short_traceback(error)
    if not frames:
        return "".join(traceback.format_exception(error))
    return f"{frames}{type(error).__name__}: {first_line(error)}\n"


def _is_out_of_memory(error: Exception) -> bool:
    return any(map(_says_no_memory, _causes(error)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from: a cell without memory is one not built."""
    while error is not None:
        yield error
        error = error.__cause__


def _says_no_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    is_of_torch = isinstance(error, RuntimeError | ImportError)
    return is_of_torch and any(text in first_line(error) for text in _NO_MEMORY)
