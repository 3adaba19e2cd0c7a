"""Remove recorded runs: their own files, and their folders if nothing else is in them."""

from contextlib import suppress
from pathlib import Path

from urnn_bench.records.folder import check_replaceable, clear, remove
from urnn_bench.records.lock import LOCK, locked


def remove_run(folder: Path) -> bool:
    """Remove a run unless a process is training it; return whether it was removed.

    A file that is not the run's stays, and so does the folder with it. Raises RecordsError for
    what cannot be removed.
    """
    check_replaceable(folder)
    with locked(folder) as is_free:
        if not is_free:
            return False
        clear(folder)
        remove(folder / LOCK)
    # not empty, or without a right to remove it
    with suppress(OSError):
        folder.rmdir()
    return True
