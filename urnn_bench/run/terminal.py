"""Signals of a terminal, which go to all processes that were started there."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

# Windows has no SIGHUP
_OF_A_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def terminal_ignored() -> Iterator[None]:
    """Start processes that ignore what a terminal sends: this one tells them to stop.

    Ctrl-C reaches all processes of a terminal, and what is ignored here is ignored by those that
    are started from the beginning.
    """
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in _OF_A_TERMINAL}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
