"""SIGINT and SIGTERM as a question that is asked between two updates."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from urnn_bench.cli.output import say


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
        """Note the signal, and let the next one act as it does by default."""
        self.number = number
        for known in _KNOWN:
            signal.signal(known, signal.SIG_DFL)
        name = signal.Signals(number).name
        say(f"urnn-bench: {name}: finishing this update, then saving; once more stops at once")


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
