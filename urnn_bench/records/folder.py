"""The folders of runs: where they are, and their status."""

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from urnn_bench.errors import DamagedRecordError, RecordsError
from urnn_bench.files import (
    PARTIAL,
    expanded,
    is_stale,
    remove_if_allowed,
    require_real_folder,
)
from urnn_bench.records.lines import RecordsWarning
from urnn_bench.records.lock import is_locked
from urnn_bench.records.record import INTERRUPTED, NAME, RUNNING, Record
from urnn_bench.records.refused import mend_of_link, refused
from urnn_bench.records.search import run_folders
from urnn_bench.spec.run import Run

METRICS = "metrics.csv"
PROBES = "probes.csv"
EVALUATIONS = "evaluations.csv"
CHECKPOINT = "checkpoint.pt"
ERROR = "error.txt"
# in the folder of a run, that of a forced run until it replaces it
FORCED = ".forced"
TO_DO = "to do"
REFUSED = "refused"
_WRITABLE = ".writable"
_RESULTS = "URNN_BENCH_RESULTS"


@dataclass(frozen=True)
class RunStatus:
    """The status of a run by its folder; "to do" if there is none, "refused" if it is unusable.

    ``forced`` is that of a forced run which has not replaced it yet; ``reason`` says why it is
    refused.
    """

    status: str
    record: Record | None = None
    forced: "RunStatus | None" = None
    reason: str = ""

    @property
    def step(self) -> int:
        """Updates done when the record was last written."""
        return self.record.steps_done if self.record else 0


def default_results() -> Path:
    """Return ``$URNN_BENCH_RESULTS``, or ``results`` in the working directory.

    Raises RecordsError if the variable names the home folder of nobody.
    """
    given = os.environ.get(_RESULTS, "")
    if not given.strip():
        given = "results"
    try:
        return expanded(given)
    except OSError as error:
        raise RecordsError(f"{_RESULTS}={given}: {error.strerror}") from error


def folder_of(results: Path, run: Run) -> Path:
    """Return the folder of a run: results/<benchmark>/<model>-T<T>-s<seed>-<hash>."""
    return results / run.benchmark / run.slug


def status_of_run(folder: Path, lock_folder: Path | None = None) -> RunStatus:
    """Read a run's status, and write nothing; raise DamagedRecordError.

    A "running" run that no process has locked was interrupted. Its lock is in ``lock_folder`` if
    that is given.
    """
    record = Record.read(folder)
    if record is None:
        return RunStatus(TO_DO)
    return RunStatus(status_of_record(lock_folder or folder, record), record)


def status_of_record(folder: Path, record: Record) -> str:
    """Return the status of a run whose record has been read, by the folder that is locked."""
    was_interrupted = record.status == RUNNING and not is_locked(folder)
    return INTERRUPTED if was_interrupted else record.status


def records(results: Path, benchmark: str | None = None) -> list[tuple[Path, Record]]:
    """Return every run's folder and record below ``results``, sorted by folder.

    Skips a damaged record and one of a newer version with a warning, and results folders inside the
    results.
    """
    paths = run_folders(results / benchmark, deepest=1) if benchmark else run_folders(results)
    folders = sorted(path for path in paths if path.name != FORCED)
    with without_garbage_collection():
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
def without_garbage_collection() -> Iterator[None]:
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
                remove_if_allowed(path)
        # a name that nobody can guess and put a link at
        with NamedTemporaryFile(prefix=f"{_WRITABLE}-", suffix=PARTIAL, dir=results):
            pass
    except OSError as error:
        raise RecordsError(
            f"{results}: nothing can be written there ({_reason(error)}); "
            f"choose another folder with {option}"
        ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        is_link = os.path.islink(error.filename)
        return "a link to a folder that does not exist" if is_link else "not a folder"
    return str(error.strerror)


def check_folder(results: Path, run: Run) -> None:
    """Raise RecordsError if a run's folder cannot be named, or is reached through a link."""
    folder = folder_of(results, run)
    check_name(folder)
    try:
        require_real_folder(folder, results)
    except OSError as error:
        mend = mend_of_link(Path(error.filename), results)
        with refused(folder, "cannot be written to", mend):
            raise


def check_name(folder: Path) -> None:
    """Raise RecordsError if a folder cannot be named."""
    try:
        os.fsencode(folder)
    except UnicodeEncodeError as error:
        text = "this locale cannot express the name of the folder; set PYTHONUTF8=1"
        raise RecordsError(f"{folder}: {text}") from error


def check_replaceable(folder: Path) -> None:
    """Raise RecordsError if a folder is in the place of one of a run's files."""
    for path in (folder / name for name in (CHECKPOINT, NAME, METRICS, PROBES, EVALUATIONS, ERROR)):
        if path.is_dir() and not path.is_symlink():
            raise RecordsError(f"{path}: is a folder and cannot be replaced; move it away")


def clear(folder: Path) -> None:
    """Remove the files of a run; the checkpoint first, as no run resumes without it.

    Raises RecordsError for what cannot be removed.
    """
    for name in (CHECKPOINT, NAME, METRICS, PROBES, EVALUATIONS, ERROR):
        remove(folder / name)


def remove_leftovers(folder: Path) -> None:
    """Remove the error and the unfinished files of an earlier process; raise RecordsError."""
    for path in (folder / ERROR, *folder.glob(f".*{PARTIAL}")):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file if there is one; raise RecordsError if it cannot be removed."""
    with refused(path.parent, "cannot be removed", "remove it yourself"):
        path.unlink(missing_ok=True)
