"""A CSV file with one writer that only appends, and takes back what a checkpoint does not know."""

import csv
import io
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path


class RecordsWarning(UserWarning):
    """Part of a record could not be read and was left out."""


class CsvAppender:
    """Appends lines below a header."""

    def __init__(self, path: Path, header: Sequence[str], length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``, or its whole lines if it is shorter."""
        self._file = path.open("ab")
        size = self._file.tell()
        if size < length:
            length = complete_length(path.read_bytes())
            text = f"{path}: its end is missing; the run resumes without it"
            warnings.warn(text, RecordsWarning, 2)
        self._file.truncate(length)
        # truncating does not move the position, which sync() reports
        self._file.seek(0, os.SEEK_END)
        if length == 0:
            self.append([header])

    def append(self, rows: Iterable[Iterable[object]]) -> None:
        """Write rows and hand them to the operating system."""
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        self._file.write(lines.getvalue().encode())
        self._file.flush()

    def sync(self) -> int:
        """Put every line on the disk and return the length of the file in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Put every line on the disk and close the file."""
        self.sync()
        self._file.close()


def read_lines(path: Path) -> list[list[str] | None]:
    """Return the fields of every whole line below the header, None for one that is damaged.

    What is left out is said in a warning by ``warn_of``.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    end = complete_length(data)
    lines = data[:end].decode(errors="replace").splitlines()
    cut = [None] if end < len(data) else []
    return [*map(_fields, lines[1:]), *cut]


def warn_of(path: Path, bad: int) -> None:
    """Say how many lines of a file were left out, if any."""
    if bad:
        text = f"{path}: {bad} line{'s' * (bad > 1)} cut short or damaged, left out"
        warnings.warn(text, RecordsWarning, 3)


def complete_length(data: bytes) -> int:
    """Return the length of the lines that end."""
    return data.rfind(b"\n") + 1


def _fields(line: str) -> list[str] | None:
    try:
        # line by line, so that a stray quote does not swallow the next ones
        (fields,) = csv.reader([line])
    except (ValueError, csv.Error):
        return None
    return fields
