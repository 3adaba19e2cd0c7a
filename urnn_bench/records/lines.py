"""A CSV file with one writer that appends, and cuts the file back to the last checkpoint."""

import csv
import io
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from urnn_bench.files import naming


class RecordsWarning(UserWarning):
    """Part of a record could not be read and was left out."""


class CsvAppender:
    """Appends lines below a header."""

    def __init__(self, path: Path, header: Sequence[str], length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``, or its complete lines if it is shorter."""
        self._path = path
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
        """Write rows and flush them to the operating system."""
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        with naming(self._path):
            self._file.write(lines.getvalue().encode(errors="backslashreplace"))
            self._file.flush()

    def sync(self) -> int:
        """Write every line to the disk and return the length of the file in bytes."""
        with naming(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Write every line to the disk and close the file."""
        self.sync()
        self._file.close()


def complete_length(data: bytes) -> int:
    """Return the number of bytes up to the end of the last complete line."""
    return data.rfind(b"\n") + 1
