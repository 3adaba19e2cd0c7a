"""What a worker does: it trains a stack in its own process and shows it in another."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import FrameType

from urnn_bench.records.folder import RunStatus
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import configure_torch
from urnn_bench.run.job_count import Stack
from urnn_bench.run.relay import Channel, RelayedDisplay
from urnn_bench.run.scheduler import execute_matrix


@dataclass(frozen=True)
class Work:
    """What a worker needs beside a stack; ``argv`` is that of the command."""

    options: ExecutionOptions
    threads: int | None
    argv: Sequence[str]


def train_stack(stack: Stack, work: Work, channel: Channel) -> list[RunStatus]:
    """Train a stack in this process, and show it in the one at the other end of a channel."""
    # records say which command made them
    sys.argv = [*work.argv]
    with RelayedDisplay(channel) as display, _stoppable(display), redirect_stdout(sys.stderr):
        configure_torch(work.threads, work.options.jobs)
        return list(execute_matrix([stack], work.options, display, display.should_stop))


@contextmanager
def _stoppable(display: RelayedDisplay) -> Iterator[None]:
    """End the training of this process alone by SIGTERM."""

    def note(number: int, _: FrameType | None) -> None:
        display.stop(signal.Signals(number).name)

    previous = signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
