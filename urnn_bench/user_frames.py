"""Where in a user's files an exception arose: their frames alone, none of what called them."""

import linecache
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from urnn_bench.user_modules import is_users_file


class UserFrame(NamedTuple):
    """A line of a user's file."""

    file: str
    line: int
    source: str

    @property
    def place(self) -> str:
        """File and line, such as "leaky.py:31"; a path below the working directory is short."""
        return f"{_short(self.file)}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.source}" if self.source else self.place


def user_frames(error: BaseException) -> list[UserFrame]:
    """Return the lines of users' files that an exception came through, the outermost first.

    They are those of the first exception, if others were raised from it.
    """
    return list(_frames(_first(error)))


def short_traceback(error: BaseException) -> str:
    """Return the user's lines, one each; empty if the exception came through none."""
    return "".join(f"  {frame}\n" for frame in user_frames(error))


def place_of(error: BaseException) -> str:
    """Return ", at leaky.py:31", the innermost line of a user's; empty if there is none."""
    frames = user_frames(error)
    return f", at {frames[-1].place}" if frames else ""


def _first(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _frames(error: BaseException) -> Iterator[UserFrame]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if _is_users(file):
            yield UserFrame(file, line, linecache.getline(file, line, frame.f_globals).strip())
    # the line that cannot be compiled has no frame
    if isinstance(error, SyntaxError) and _is_users(error.filename or ""):
        yield UserFrame(error.filename or "", error.lineno or 1, (error.text or "").strip())


def _is_users(file: str) -> bool:
    # what is compiled from a text has a name such as <string>
    return os.path.isabs(file) and is_users_file(Path(file))


def _short(file: str) -> str:
    """Return the path of a file below the working directory without that."""
    try:
        relative = os.path.relpath(file)
    # another drive, or a working directory that is no more
    except (ValueError, OSError):
        return file
    return file if relative.startswith(os.pardir) else relative
