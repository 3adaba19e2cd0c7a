"""Where runs lie, what state they are in, and who may write there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from urnn_bench.errors import RecordsError
from urnn_bench.records.record import NAME, Record
from urnn_bench.spec.schema import Run

METRICS = "metrics.csv"
CHECKPOINT = "checkpoint.pt"
ERROR = "error.txt"


@dataclass(frozen=True)
class State:
    """What a run's folder says of it; "to do" if there is none."""

    status: str
    record: Record | None = None

    @property
    def step(self) -> int:
        """Updates done when the record was last written."""
        return self.record.steps_done if self.record else 0


def default_results() -> Path:
    """Return ``$URNN_BENCH_RESULTS``, or ``results`` in the working directory."""
    return Path(os.environ.get("URNN_BENCH_RESULTS") or "results")


def folder_of(results: Path, run: Run) -> Path:
    """Return the folder of a run: results/<benchmark>/<model>-T<T>-s<seed>-<hash>."""
    return results / run.benchmark / run.slug


def state_of(folder: Path) -> State:
    """Read a run's state; a "running" whose process is gone was interrupted."""
    record = Record.read(folder)
    if record is None:
        return State("to do")
    gone = record.status == "running" and not record.alive
    return State("interrupted" if gone else record.status, record)


def records(results: Path, benchmark: str | None = None) -> Iterator[tuple[Path, Record]]:
    """Yield every run's folder and record below ``results``, in the order of their names."""
    root = results / benchmark if benchmark else results
    for path in sorted(root.rglob(NAME)):
        record = Record.read(path.parent)
        if record is not None and (benchmark is None or record.run.benchmark == benchmark):
            yield path.parent, record


def make_writable(results: Path) -> None:
    """Create the results folder; raise RecordsError if nothing can be written there."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe = results / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RecordsError(
            f"{results}: nothing can be written there ({error.strerror}); "
            "choose another folder with --results"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Yield True while this process alone may write to ``folder``, False if another may.

    The lock is the operating system's, so it ends with its process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def clear(folder: Path) -> None:
    """Remove what a run has written, its record first so that nothing half-removed is believed."""
    for name in (NAME, CHECKPOINT, METRICS, ERROR):
        (folder / name).unlink(missing_ok=True)
