"""``metrics.csv``: one measured value a line, in long form, append-only with one writer.

A new metric is a new value in a column, never a new column. Lines written after the last
checkpoint are cut off when a run resumes, and written again.
"""

import csv
import os
import warnings
from pathlib import Path
from typing import NamedTuple

from urnn_bench.events import Measured

HEADER = "step,examples,train_s,split,metric,value\n"


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
            _, length = read(path)
            warnings.warn(
                f"{path}: its end is missing; the run resumes without it", RecordsWarning, 2
            )
        os.truncate(path, length)
        if length == 0:
            self._append(HEADER)

    def write(self, event: Measured) -> None:
        """Append a line for every metric of the event."""
        for metric, value in event.metrics.items():
            row = (event.step, event.examples, f"{event.train_s:.4f}", event.split, metric, value)
            self._append(",".join(map(str, row)) + "\n")

    def sync(self) -> int:
        """Put every line on the disk and return the length of the file in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Put every line on the disk and close the file."""
        self.sync()
        self._file.close()

    def _append(self, line: str) -> None:
        self._file.write(line.encode())
        self._file.flush()


def read(path: Path) -> tuple[list[Row], int]:
    """Return the rows of a file and the length in bytes of its whole lines.

    Lines that are not rows are left out with a warning.
    """
    if not path.exists():
        return [], 0
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    lines = data.decode(errors="replace").splitlines()
    rows = [_row(fields) for fields in csv.reader(lines[1:])]
    bad = sum(row is None for row in rows)
    if bad:
        text = f"{path}: {bad} line{'s' * (bad > 1)} cut short or damaged, left out"
        warnings.warn(text, RecordsWarning, 2)
    return [row for row in rows if row is not None], whole


def _row(fields: list[str]) -> Row | None:
    if len(fields) != len(Row._fields):
        return None
    try:
        step, examples, train_s, split, metric, value = fields
        return Row(int(step), int(examples), float(train_s), split, metric, float(value))
    except ValueError:
        return None
