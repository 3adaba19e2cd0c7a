"""Seconds spent training, and nothing else."""

from time import perf_counter
from types import TracebackType


class Stopwatch:
    """Adds up the seconds spent inside its ``with`` blocks."""

    def __init__(self, total_s: float = 0.0) -> None:
        self.total_s = total_s
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.total_s += perf_counter() - self._started
