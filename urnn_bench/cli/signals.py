"""SIGINT, SIGTERM and SIGHUP as a flag that training reads between two updates."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from urnn_bench.errors import ImmediateExit


class Stop:
    """Remembers the first signal; the second one ends the process immediately."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._received_s = 0.0

    def __call__(self) -> str | None:
        """Return the name of the signal that was received, or None."""
        return None if self.number is None else signal.Signals(self.number).name

    @property
    def exit_code(self) -> int | None:
        """The exit code that a shell expects of a program stopped by a signal."""
        return None if self.number is None else 128 + self.number

    def receive(self, number: int, _: FrameType | None) -> None:
        """Note the first signal; exit on the second, which still restores the terminal."""
        if self.number is not None:
            if self._is_the_same(number):
                return
            raise ImmediateExit(128 + number)
        self.number, self._received_s = number, time.monotonic()
        name = signal.Signals(number).name
        text = (
            f"urnn-bench: {name}: finishing this update, then saving; repeat to stop immediately\n"
        )
        # not through sys.stderr: the signal may have come in the middle of a write to it
        with suppress(OSError):
            os.write(sys.stderr.fileno(), text.encode())

    def _is_the_same(self, number: int) -> bool:
        """Return whether a signal is the first one once more.

        A batch system sends SIGTERM to all processes of a job, and its shell passes it on.
        """
        is_soon = time.monotonic() - self._received_s < _SAME_S
        return number == self.number == signal.SIGTERM and is_soon


_SAME_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Turn signals into a ``Stop`` while the block runs."""
    stop = Stop()
    previous_handlers = {number: signal.signal(number, stop.receive) for number in _signals()}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _signals() -> tuple[signal.Signals, ...]:
    """Return the signals that stop training; nohup ignores SIGHUP, which Windows does not have."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:
        return _SIGNALS
    return (*_SIGNALS, hangup)
