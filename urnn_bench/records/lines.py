"""A CSV file with one writer that appends, and cuts the file back to the last checkpoint."""

import csv
import io
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from urnn_bench.files import naming, open_append

_BLOCK = 1 << 16


class RecordsWarning(UserWarning):
    """Part of a record could not be read and was left out."""


class CsvAppender:
    """Appends lines below a header; every OSError names the file."""

    def __init__(self, path: Path, header: Sequence[str], length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``, or its complete lines if it is shorter.

        Raises OSError for a link, and for what is not a regular file.
        """
        self._path, self._file = path, open_append(path)
        with naming(path):
            kept = self._complete_length(length)
            self._file.truncate(kept)
            # truncating does not move the position, which sync() reports
            self._file.seek(0, os.SEEK_END)
        if kept < length:
            text = f"{path}: its end is missing; the run resumes without it"
            warnings.warn(text, RecordsWarning, 2)
        if kept == 0:
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
        try:
            self.sync()
        finally:
            with naming(self._path):
                self._file.close()

    def _complete_length(self, length: int) -> int:
        """Return where the last complete line within the first ``length`` bytes ends."""
        end = min(length, self._file.tell())
        while end > 0:
            start = max(0, end - _BLOCK)
            block = os.pread(self._file.fileno(), end - start, start)
            if complete := complete_length(block):
                return start + complete
            end = start
        return 0


def complete_length(data: bytes) -> int:
    """Return the number of bytes up to the end of the last complete line."""
    return data.rfind(b"\n") + 1
