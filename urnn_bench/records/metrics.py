"""``metrics.csv``: one measured value a line, in long form, append-only with one writer.

A new metric is a new value in a column, never a new column. Lines written after the last
checkpoint are cut off when a run resumes, and written again.
"""

import csv
import io
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from urnn_bench.events import Measured


class Row(NamedTuple):
    """One measured value."""

    step: int
    examples: int
    train_s: float
    split: str
    metric: str
    value: float


class RecordsWarning(UserWarning):
    """Part of a record could not be read and was left out."""


class MetricsWriter:
    """Appends the values of ``Measured`` events to a file."""

    def __init__(self, path: Path, length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``, or its whole lines if it is shorter."""
        self._file = path.open("ab")
        size = self._file.tell()
        if size < length:
            length = _whole(path.read_bytes())
            text = f"{path}: its end is missing; the run resumes without it"
            warnings.warn(text, RecordsWarning, 2)
        self._file.truncate(length)
        # truncating does not move the position, which sync() reports
        self._file.seek(0, os.SEEK_END)
        if length == 0:
            self._append(Row._fields)

    def write(self, event: Measured) -> None:
        """Append a line for every metric of the event."""
        for metric, value in event.metrics.items():
            train_s = f"{event.train_s:.4f}"
            self._append((event.step, event.examples, train_s, event.split, metric, value))

    def sync(self) -> int:
        """Put every line on the disk and return the length of the file in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Put every line on the disk and close the file."""
        self.sync()
        self._file.close()

    def _append(self, values: Iterable[object]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        self._file.write(line.getvalue().encode())
        self._file.flush()


def read(path: Path) -> list[Row]:
    """Return the rows of a file; lines that are not whole rows are left out with a warning."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = _whole(data)
    lines = data[:whole].decode(errors="replace").splitlines()
    rows = [_row(line) for line in lines[1:]]
    bad = sum(row is None for row in rows) + (whole < len(data))
    if bad:
        text = f"{path}: {bad} line{'s' * (bad > 1)} cut short or damaged, left out"
        warnings.warn(text, RecordsWarning, 2)
    return [row for row in rows if row is not None]


def _whole(data: bytes) -> int:
    """Return the length of the lines that end."""
    return data.rfind(b"\n") + 1


def _row(line: str) -> Row | None:
    try:
        # line by line, so that a stray quote does not swallow the next ones
        (fields,) = csv.reader([line])
        step, examples, train_s, split, metric, value = fields
        return Row(int(step), int(examples), float(train_s), split, metric, float(value))
    except (ValueError, csv.Error):
        return None
