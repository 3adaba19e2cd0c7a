"""Seconds spent training, and nothing else."""

from time import perf_counter


class Stopwatch:
    """Adds up the seconds spent inside its ``with`` blocks."""

    def __init__(self, total_s: float = 0.0) -> None:
        self.total_s = total_s
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.total_s += perf_counter() - self._started
