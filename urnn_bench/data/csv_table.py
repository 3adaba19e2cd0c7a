"""Columns of a user's CSV file, plain or gzip, and what is wrong with one in one sentence.

A row is named by its line in a text editor, so the header is row 1.

N rows.
"""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from textwrap import shorten

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError
from urnn_bench.text import decoded, line

_GZIP = b"\x1f\x8b"
# of a list of columns and of a cell in a message, in characters
_LONGEST_LIST, _LONGEST_CELL = 240, 40


@dataclass(frozen=True)
class Range:
    """The numbers that a column may have, their unit, and what others hint at."""

    low: float
    high: float
    unit: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Table:
    """The cells (N) of every column as text, and the line of each row; reading one checks it."""

    path: Path
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, *names: str) -> str:
        """Return the first of some names that a column has, or raise DataError."""
        found = next((name for name in names if name in self.columns), None)
        if found is None:
            raise DataError(f"{self.path}: has no column {_either(names)}; {self.shown_columns()}")
        return found

    def numbers(self, name: str, within: Range) -> NDArray[np.float64]:
        """Return a column (N) of finite numbers in a range, or raise DataError."""
        try:
            values = np.array(list(map(float, self.columns[name])))
        except ValueError as error:
            raise self._first_wrong(name, within) from error
        if not ((values >= within.low) & (values <= within.high)).all():
            raise self._first_wrong(name, within)
        return values

    def dates(self, name: str) -> NDArray[np.int64]:
        """Return a column (N) of ISO dates as Python's ordinals, or raise DataError."""
        cells = self.columns[name]
        return np.array([self._ordinal(row, cell, name) for row, cell in enumerate(cells)])

    def error(self, row: int, what: str) -> DataError:
        """Return an error of a row, counted from 0 below the header."""
        return DataError(f"{self.path}: row {self.lines[row]}: {what}")

    def _ordinal(self, row: int, cell: str, name: str) -> int:
        try:
            return date.fromisoformat(cell.strip()).toordinal()
        except ValueError as error:
            what = f"'{name}' is {_shown(cell)}, which is no ISO date such as 2009-04-01"
            raise self.error(row, what) from error

    def _first_wrong(self, name: str, within: Range) -> DataError:
        wrong = (
            self.error(row, f"'{name}' is {what}")
            for row, cell in enumerate(self.columns[name])
            if (what := _wrong(cell, within))
        )
        return next(wrong)

    def shown_columns(self) -> str:
        """Return which columns there are, shortened."""
        columns = f"its columns are {shorten(', '.join(self.columns), _LONGEST_LIST)}"
        is_another = len(self.columns) == 1 and ";" in columns
        return f"{columns}; separate them by commas" if is_another else columns


def _wrong(cell: str, within: Range) -> str:
    """Return what is wrong with a number, or nothing."""
    try:
        value = float(cell)
    except ValueError:
        return f"{_shown(cell)}, which is no number" if cell.strip() else "empty"
    if not isfinite(value):
        return f"{_shown(cell)}, which is not finite"
    if within.low <= value <= within.high:
        return ""
    hint = f"; {within.hint}" if within.hint else ""
    return f"{value:.10g}, which is not in {within}{hint}"


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 3]}...")


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def read(path: Path) -> Table:
    """Return the cells of a CSV file; raise DataError if it has none, or is another kind of file.

    Lines without any text are left out.
    """
    reader = csv.reader(io.StringIO(_text(path)))
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path}: row {reader.line_num}: is not CSV: {error}") from error
    if len(rows) < 2:
        raise DataError(f"{path}: has no row below its header" if rows else f"{path}: is empty")
    (_, header), *below = rows
    # a name is part of messages
    names = [line(name.strip()) for name in header]
    _require_columns(path, names, below)
    cells = zip(*(row for _, row in below), strict=True)
    return Table(path, dict(zip(names, cells, strict=True)), [number for number, _ in below])


def _require_columns(
    path: Path, names: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]
) -> None:
    """Raise DataError if a column is there twice, or a row has another number of cells."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{path}: row 1: the column '{name[:_LONGEST_CELL]}' is there twice")
    for number, row in rows:
        if len(row) != len(names):
            cells = f"the number of its cells is {len(row)}, and there are {len(names)} columns"
            raise DataError(f"{path}: row {number}: {cells}")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return decoded(gzip.decompress(content) if content.startswith(_GZIP) else content)
    except UnicodeDecodeError as error:
        row = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: row {row}: is not UTF-8; save the file as UTF-8") from error
    except ValueError as error:
        raise DataError(f"{path}: is not UTF-8: {error}") from error
    # gzip.BadGzipFile is an OSError
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
