"""A forced run: trained in a folder of its own until it may replace the record that it repeats.

The folder is ``.forced`` in the run's folder, and the lock of the run's folder covers both. Once
the new record is final its files are moved up, the record last. A process that is killed meanwhile
leaves the new record where it was, and the next ``run`` moves what is left.
"""

import os
from contextlib import suppress
from pathlib import Path

from urnn_bench.errors import DamagedRecordError, NewerRecordError, RecordsError
from urnn_bench.files import require_real_folder
from urnn_bench.records.folder import (
    CHECKPOINT,
    ERROR,
    EVALUATIONS,
    FORCED,
    METRICS,
    PROBES,
    RunStatus,
    check_replaceable,
    clear,
    remove,
    remove_leftovers,
    status_of_run,
)
from urnn_bench.records.record import FINAL, NAME, Record

# the record is moved last: while there is one in the folder, its files are still to be moved
_ORDER = (METRICS, PROBES, CHECKPOINT, NAME)


def has_record(folder: Path) -> bool:
    """Return whether a folder holds files of a run, damaged ones included."""
    return any((folder / name).exists() for name in _ORDER)


def status_of_forced(folder: Path) -> RunStatus | None:
    """Return the status of a run's forced run that has not replaced it yet, None if none has."""
    try:
        status = status_of_run(folder / FORCED, folder)
    except DamagedRecordError:
        return None
    return None if status.record is None else status


def begin(folder: Path) -> tuple[Path, Record | None]:
    """Return the folder of a run's forced run, and its record if an earlier one is continued.

    What cannot be continued is removed. Raises RecordsError if the folder is a link, or holds the
    record of a newer version.
    """
    _keep_newer(folder)
    status = status_of_forced(folder)
    return (_real(folder), status.record) if status else begin_anew(folder)


def begin_anew(folder: Path) -> tuple[Path, None]:
    """Return the folder of a run's forced run after removing what an earlier one left there."""
    discard(folder)
    forced = _real(folder)
    forced.mkdir(exist_ok=True)
    return forced, None


def replace_if_final(folder: Path) -> None:
    """Move the files of a forced run that is final over those of the record that it repeats.

    Raises RecordsError if the folder of the forced run is a link, or a file cannot be replaced.
    """
    forced, status = folder / FORCED, status_of_forced(folder)
    if status is None and not (forced / NAME).exists():
        # the last process was killed after it had moved the record
        discard(folder)
    if status is None or status.status not in FINAL:
        return
    _real(folder)
    check_replaceable(folder)
    remove(folder / ERROR)
    # scores of the old weights; the new ones are scored when this is over
    remove(folder / EVALUATIONS)
    for name in _ORDER:
        if (forced / name).exists():
            os.replace(forced / name, folder / name)
    discard(folder)


def discard(folder: Path) -> None:
    """Remove what a forced run has left; raise RecordsError if its folder is a link."""
    forced = _real(folder)
    if forced.is_dir():
        clear(forced)
        remove_leftovers(forced)
        with suppress(OSError):
            # files of the user's own stay
            forced.rmdir()


def _keep_newer(folder: Path) -> None:
    """Raise NewerRecordError if a newer version has begun the forced run; others may be damaged."""
    with suppress(DamagedRecordError):
        try:
            Record.read(folder / FORCED)
        except NewerRecordError as error:
            raise RecordsError(str(error)) from error


def _real(folder: Path) -> Path:
    try:
        require_real_folder(folder / FORCED, folder)
    except OSError as error:
        raise RecordsError(f"{error.filename}: {error.strerror}; move it away") from error
    return folder / FORCED
