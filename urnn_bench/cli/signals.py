"""SIGINT and SIGTERM as a question that is asked between two updates."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Remembers the first signal to stop; the second one stops at once."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self) -> str | None:
        """Return the name of the signal that came, or None."""
        return None if self.number is None else signal.Signals(self.number).name

    @property
    def exit_code(self) -> int | None:
        """What a shell expects of a program that a signal stopped."""
        return None if self.number is None else 128 + self.number

    def receive(self, number: int, _: FrameType | None) -> None:
        """Note the first signal; at the second leave at once, but put the terminal right."""
        if self.number is not None:
            sys.exit(128 + number)
        self.number = number
        name = signal.Signals(number).name
        text = f"urnn-bench: {name}: finishing this update, then saving; once more stops at once\n"
        # not through sys.stderr, in the middle of whose write the signal may have come
        os.write(sys.stderr.fileno(), text.encode())


_KNOWN = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Turn signals into a ``Stop`` while the block runs."""
    stop = Stop()
    before = {number: signal.signal(number, stop.receive) for number in _KNOWN}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
