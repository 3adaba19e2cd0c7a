"""What an exception of a run means: its status, its reason, its traceback."""

import traceback
from pathlib import Path
from typing import Literal

import torch

from urnn_bench.errors import TooLargeError
from urnn_bench.files import write_atomically
from urnn_bench.records.folder import ERROR

_LONGEST_REASON = 1000
_NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")


def status_of(error: Exception, folder: Path) -> tuple[Literal["oom", "failed"], str]:
    """Return the status that an exception means; its traceback goes into the run's folder."""
    if isinstance(error, TooLargeError):
        return "oom", str(error)
    text = "".join(traceback.format_exception(error)).encode(errors="backslashreplace")
    write_atomically(folder / ERROR, lambda file: file.write(text))
    first = str(error).split("\n")[0][:_LONGEST_REASON]
    if _is_out_of_memory(error):
        return "oom", first
    if isinstance(error, OSError) and error.filename is not None:
        return "failed", f"{error.filename}: {error.strerror} (see {folder / ERROR})"
    return "failed", f"{type(error).__name__}: {first} (see {folder / ERROR})"


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)
