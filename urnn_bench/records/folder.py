"""Where runs lie, what state they are in, and who may write there."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from urnn_bench.errors import DamagedRecordError, RecordsError
from urnn_bench.files import PARTIAL
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import NAME, Record
from urnn_bench.spec.run import Run

METRICS = "metrics.csv"
PROBES = "probes.csv"
CHECKPOINT = "checkpoint.pt"
ERROR = "error.txt"
LOCK = ".lock"


@dataclass(frozen=True)
class RunStatus:
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


def status_of_run(folder: Path) -> RunStatus:
    """Read a run's state; a "running" that nobody holds the lock of was interrupted."""
    record = Record.read(folder)
    if record is None:
        return RunStatus("to do")
    gone = record.status == "running" and not _held(folder)
    return RunStatus("interrupted" if gone else record.status, record)


def records(results: Path, benchmark: str | None = None) -> Iterator[tuple[Path, Record]]:
    """Yield every run's folder and record below ``results``, in the order of their names.

    A damaged record is left out with a warning; folders within that hold results of their own
    are not looked into. Raises RecordsError for a record of a newer version.
    """
    root = results / benchmark if benchmark else results
    for path in sorted(root.glob(f"*/{NAME}") if benchmark else root.rglob(NAME)):
        try:
            record = Record.read(path.parent)
        except DamagedRecordError as error:
            warnings.warn(str(error), RecordsWarning, 2)
            continue
        if record is not None and path.parent.parent == results / record.run.benchmark:
            yield path.parent, record


def make_writable(results: Path, option: str = "--results") -> None:
    """Create a folder; raise RecordsError, naming its option, if nothing can be written there."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe = results / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RecordsError(
            f"{results}: nothing can be written there ({error.strerror}); "
            f"choose another folder with {option}"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Yield True while this process alone may write to ``folder``, False if another may.

    The lock is the operating system's, so it ends with its process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        # long enough to outlast whoever only looks whether the lock is held
        lock.acquire(timeout=0.5)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def clear(folder: Path) -> None:
    """Remove what a run has written; the checkpoint first, as nothing is resumed without it."""
    for name in (CHECKPOINT, NAME, METRICS, PROBES, ERROR):
        (folder / name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove an earlier attempt's error, and what a killed process was about to put in place."""
    for path in (folder / ERROR, *folder.glob(f".*{PARTIAL}")):
        path.unlink(missing_ok=True)


def _held(folder: Path) -> bool:
    """Return whether a process holds the lock of a run; True if that cannot be told."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except (Timeout, OSError):
        return True
