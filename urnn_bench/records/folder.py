"""The folders of runs: where they are, their status, and which process may write there."""

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock, Timeout

from urnn_bench.errors import DamagedRecordError, RecordsError
from urnn_bench.files import PARTIAL, is_stale, remove
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.record import INTERRUPTED, NAME, RUNNING, Record
from urnn_bench.spec.run import Run

METRICS = "metrics.csv"
PROBES = "probes.csv"
CHECKPOINT = "checkpoint.pt"
ERROR = "error.txt"
LOCK = ".lock"
# in the folder of a run, that of a forced run until it replaces it
FORCED = ".forced"
TO_DO = "to do"
_WRITABLE = ".writable"


@dataclass(frozen=True)
class RunStatus:
    """The status of a run by its folder; "to do" if there is none.

    ``forced`` is that of a forced run which has not replaced it yet.
    """

    status: str
    record: Record | None = None
    forced: "RunStatus | None" = None

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


def status_of_run(folder: Path, lock_folder: Path | None = None) -> RunStatus:
    """Read a run's status; a "running" run that no process has locked was interrupted.

    Its lock is in ``lock_folder`` if that is given.
    """
    record = Record.read(folder)
    if record is None:
        return RunStatus(TO_DO)
    return RunStatus(status_of_record(lock_folder or folder, record), record)


def status_of_record(folder: Path, record: Record) -> str:
    """Return the status of a run whose record has been read, by the folder that is locked."""
    was_interrupted = record.status == RUNNING and not _is_locked(folder)
    return INTERRUPTED if was_interrupted else record.status


def records(results: Path, benchmark: str | None = None) -> list[tuple[Path, Record]]:
    """Return every run's folder and record below ``results``, sorted by folder.

    Skips a damaged record with a warning, and results folders inside the results.
    Raises RecordsError for a record of a newer version.
    """
    root = results / benchmark if benchmark else results
    paths = sorted(root.glob(f"*/{NAME}") if benchmark else root.rglob(NAME))
    folders = [path.parent for path in paths if path.parent.name != FORCED]
    with _without_garbage_collection():
        read = [(folder, _readable(folder)) for folder in folders]
    return [
        (folder, record)
        for folder, record in read
        if record is not None and folder.parent == results / record.run.benchmark
    ]


def _readable(folder: Path) -> Record | None:
    try:
        return Record.read(folder)
    except DamagedRecordError as error:
        warnings.warn(str(error), RecordsWarning, 2)
        return None


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: records have no cycles, and looking for some takes half."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def make_writable(results: Path, option: str = "--results") -> None:
    """Create a folder; raise RecordsError that names its option if it cannot be written to."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        for path in results.glob(f"{_WRITABLE}-*"):
            if is_stale(path):
                remove(path)
        # a name that nobody can guess and put a link at
        with NamedTemporaryFile(prefix=f"{_WRITABLE}-", suffix=PARTIAL, dir=results):
            pass
    except OSError as error:
        raise RecordsError(
            f"{results}: nothing can be written there ({error.strerror}); "
            f"choose another folder with {option}"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Lock ``folder`` and yield True, or yield False if another process has locked it.

    The lock belongs to the operating system, so it ends with its process, even if that is killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        # long enough to outlast a process that only tests the lock
        lock.acquire(timeout=0.5)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def clear(folder: Path) -> None:
    """Remove the files of a run; the checkpoint first, as no run resumes without it."""
    for name in (CHECKPOINT, NAME, METRICS, PROBES, ERROR):
        (folder / name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the error and the unfinished files of an earlier process."""
    for path in (folder / ERROR, *folder.glob(f".*{PARTIAL}")):
        path.unlink(missing_ok=True)


def _is_locked(folder: Path) -> bool:
    """Return whether a process has locked a run; True if that is unknown."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except (Timeout, OSError):
        return True
