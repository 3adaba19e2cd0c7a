"""The standard streams, whatever the shell has given: closed, full, or without the letters."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from urnn_bench.text import FALLBACK

_STDOUT = "stdout"


def prepare() -> None:
    """Let the streams show any text, and give a closed stderr a place to write to."""
    _occupy_closed()
    if sys.stderr is None:
        # open as long as the program runs
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # a test replaces them by streams of another kind
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=FALLBACK)


def finish() -> None:
    """Discard what a stream did not take, of which Python would complain at exit."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _discard(stream)


def write_out(text: str) -> None:
    """Write to stdout; raise OSError that names it if it does not take the text."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), _STDOUT)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        raise OSError(error.errno, error.strerror, _STDOUT) from error


def write_err(text: str) -> None:
    """Write to stderr; what cannot be written there is lost, and the program goes on."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def shows(characters: str, stream: TextIO | None) -> bool:
    """Return whether the encoding of a stream has all of some characters."""
    try:
        characters.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Unfailing:
    """A stream for rich that loses what cannot be written, such as on a closed terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or lose it."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or keep it for later."""
        with suppress(OSError):
            self._stream.flush()


def _occupy_closed() -> None:
    """Open the null device in place of closed streams, or the next file would get their number.

    What a library in C prints would then go into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # the lowest free number is taken
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _discard(stream: TextIO) -> None:
    """Lead a stream to the null device; otherwise Python fails again when it flushes at exit."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
