"""What worker processes show, and that they are to stop, over a connection for each.

A message is the name of a method of the display and its arguments. The other way goes the name of
the signal that asks to stop. A connection that ends tells each side that the other is gone, however
it ended, so that no worker trains on alone.
"""

import secrets
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Protocol, Self

from urnn_bench.events import Event, Updated
from urnn_bench.records.folder import RunStatus
from urnn_bench.records.record import Record
from urnn_bench.run.context import Display
from urnn_bench.spec.run import Run

_POLL_S = 0.1
# so often does a worker say where it is; more cannot be seen
_UPDATED_S = 0.1
_WARNING = "warning"
_KNOWN = ("builtins", "urnn_bench")

# the name of a method of the display, and its arguments
Message = tuple[Any, ...]


@dataclass(frozen=True)
class Address:
    """Where a worker finds the process that started it; no other process knows the key."""

    place: str | tuple[str, int]
    key: bytes = field(repr=False)

    def connect(self) -> Connection:
        """Return a connection to that process; raises OSError if it is gone."""
        return Client(self.place, authkey=self.key)


class Channel(Protocol):
    """What a worker sends its messages through, such as a connection of multiprocessing."""

    def send(self, message: object, /) -> None:
        """Send a message on; raises OSError if nobody is there."""

    def poll(self) -> bool:
        """Return whether the other side may have sent something."""

    def recv(self) -> Any:
        """Return the signal that asks to stop, or None; raises EOFError if nobody is there."""

    def close(self) -> None:
        """Send what is still on its way, and nothing after that."""


class Relay:
    """Passes what workers send to a display, one message at a time, and a stop to all of them."""

    def __init__(self, display: Display, should_stop: Callable[[], str | None]) -> None:
        self._display, self._should_stop = display, should_stop
        key = secrets.token_bytes(32)
        self._listener = Listener(authkey=key)
        self.address = Address(self._listener.address, key)
        self._lock, self._closed = Lock(), False
        self._acceptor = Thread(target=self._accept, daemon=True)
        self._readers: list[Thread] = []

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        # accept waits for a connection, whatever becomes of its socket
        self.address.connect().close()
        self._acceptor.join()
        # each reads to the end of its connection first
        for reader in self._readers:
            reader.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, OSError):
                # a worker was killed before it had introduced itself
                if self._closed:
                    return
                continue
            if self._closed:
                connection.close()
                return
            reader = Thread(target=self._read, args=(connection,), daemon=True)
            self._readers.append(reader)
            reader.start()

    def _read(self, connection: Connection) -> None:
        with connection, suppress(EOFError, OSError):
            # a worker waits for it, so that none begins a run after a stop
            connection.send(told := self._should_stop())
            while True:
                if not told and (told := self._should_stop()):
                    connection.send(told)
                if connection.poll(_POLL_S):
                    self._show(connection.recv())

    def _show(self, message: Message) -> None:
        with self._lock:
            show_message(self._display, message)


def show_message(display: Display, message: Message) -> None:
    """Show what a worker has sent, or warn of what it warns of."""
    method, *arguments = message
    if method == _WARNING:
        warnings.warn_explicit(*arguments)
    else:
        getattr(display, method)(*arguments)


class RelayedDisplay:
    """The display of a worker: sends on what it is told, and knows whether to stop."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._signal = self._received()
        self._updated_s: dict[tuple[str, str, int, int], float] = {}

    def __enter__(self) -> Self:
        self._show_warning = warnings.showwarning
        warnings.showwarning = self._warn  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        warnings.showwarning = self._show_warning
        self._channel.close()

    def should_stop(self) -> str | None:
        """Return the signal that asks to stop; that of a closed terminal if nobody is there."""
        if self._signal is None and self._channel.poll():
            self._signal = self._received()
        return self._signal

    def stop(self, signal: str) -> None:
        """Note a signal that this process has received itself."""
        self._signal = signal

    def start(self, record: Record) -> None:
        """Send it on."""
        self._send("start", record)

    def show(self, run: Run, event: Event) -> None:
        """Send it on, of updates only some."""
        if isinstance(event, Updated):
            key, now_s = (run.benchmark, run.label, run.T, run.seed), time.monotonic()
            if now_s - self._updated_s.get(key, 0.0) < _UPDATED_S:
                return
            self._updated_s[key] = now_s
        self._send("show", run, event)

    def end(self, record: Record) -> None:
        """Send it on."""
        self._send("end", record)

    def score(self, record: Record, length: int) -> None:
        """Send it on."""
        self._send("score", record, length)

    def skip(self, run: Run, status: RunStatus) -> None:
        """Send it on."""
        self._send("skip", run, status)

    def _received(self) -> str | None:
        """Return the signal that asks to stop, or None; wait for it."""
        try:
            name: str | None = self._channel.recv()
        except (EOFError, OSError):
            return "SIGHUP"
        return name

    def _warn(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        *_: object,
    ) -> None:
        # the other process cannot load the class of a user's file by its name
        is_known = category.__module__.partition(".")[0] in _KNOWN
        self._send(_WARNING, str(message), category if is_known else UserWarning, filename, lineno)

    def _send(self, *message: object) -> None:
        # whoever started this process is gone, which the next question whether to stop tells
        with suppress(OSError):
            self._channel.send(message)
