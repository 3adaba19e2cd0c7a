"""Runs of one results folder brought into another: copied whole, and nothing there overwritten."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO

from urnn_bench.files import read_bytes, write_atomically
from urnn_bench.records import metrics
from urnn_bench.records.folder import (
    CHECKPOINT,
    ERROR,
    EVALUATIONS,
    METRICS,
    PROBES,
    check_folder,
    check_replaceable,
    clear,
    folder_of,
    status_of_record,
)
from urnn_bench.records.lock import locked
from urnn_bench.records.record import FINAL, NAME, RUNNING, Record
from urnn_bench.records.refused import refused

# the record is the last, as a folder without one holds no run
_FILES = (METRICS, PROBES, EVALUATIONS, ERROR, CHECKPOINT, NAME)
_LIMIT_MB = 8192.0


class Outcome(StrEnum):
    """What became of a run of another folder."""

    COPIED = "copied"
    SAME = "the same"
    REPLACED = "replaced"
    OLDER = "older"
    RUNNING = "running"
    CONFLICT = "conflict"


def merge_run(source: Path, record: Record, results: Path, *, newer: bool = False) -> Outcome:
    """Copy a run unless there is another record of it; with ``newer`` the further of two may stay.

    Two that have ended with other results are a conflict in any case. Raises RecordsError for what
    cannot be written to.
    """
    folder = folder_of(results, record.run)
    check_folder(results, record.run)
    if status_of_record(source, record) == RUNNING:
        return Outcome.RUNNING
    with locked(folder) as is_free:
        if not is_free:
            return Outcome.RUNNING
        outcome = _outcome(source, record, folder, Record.read(folder), newer)
        if outcome in (Outcome.COPIED, Outcome.REPLACED):
            # read one by one they would take less memory, and a damaged one would end half a copy
            write_run_files(run_files(source), folder)
    return outcome


def _outcome(
    source: Path, record: Record, folder: Path, other: Record | None, newer: bool
) -> Outcome:
    if other is None:
        return Outcome.COPIED
    if _result(source, record) == _result(folder, other):
        return Outcome.SAME
    both_ended = record.status in FINAL and other.status in FINAL
    if both_ended or not newer:
        return Outcome.CONFLICT
    return Outcome.REPLACED if _progress(record) > _progress(other) else Outcome.OLDER


def _result(folder: Path, record: Record) -> object:
    """Return what two records of a run share if they say the same, which times are no part of."""
    rows = [row._replace(train_s=0.0) for row in metrics.read(folder / METRICS)]
    return record.status, record.steps_done, record.test, record.fingerprint, rows


def _progress(record: Record) -> tuple[bool, int, str]:
    """Return how far a run has come; of two that are as far, the one that was trained later."""
    started = record.sessions[-1].started if record.sessions else ""
    return record.status in FINAL, record.steps_done, started


def run_files(folder: Path) -> dict[str, bytes]:
    """Return the content of a run's files by their names, the record last."""
    names = (name for name in _FILES if (folder / name).exists())
    return {name: read_bytes(folder / name, _LIMIT_MB) for name in names}


def write_run_files(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a run over those in a folder; raise RecordsError if one cannot be."""
    check_replaceable(folder)
    clear(folder)
    for name, content in contents.items():
        with refused(folder / name, "cannot be written to"):
            write_atomically(folder / name, partial(_write, content))


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
