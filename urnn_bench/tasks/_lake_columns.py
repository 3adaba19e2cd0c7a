"""The columns of a lake's files: their names, their ranges, and the days that rows are of.

R rows, N days.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench.data.csv_table import Range, Table
from urnn_bench.errors import DataError

TIME, DEPTH = ("time", "DateTime"), ("depth", "Depth")
_NOT_CELSIUS = "give °C, it looks like kelvin or Fahrenheit"
WATER = Range(-5, 45, "°C", _NOT_CELSIUS)
AIR = Range(-60, 60, "°C", _NOT_CELSIUS)
# no lake is as deep
DEPTHS = Range(0, 2000, "m")


class Days(NamedTuple):
    """Consecutive days, the first as Python's ordinal."""

    first: int
    length: int

    @property
    def end(self) -> int:
        """The day after the last."""
        return self.first + self.length

    def __str__(self) -> str:
        return f"{date.fromordinal(self.first)} to {date.fromordinal(self.end - 1)}"

    def shared_with(self, other: "Days") -> "Days":
        """Return the days of both; the length is not positive if there are none."""
        first = max(self.first, other.first)
        return Days(first, min(self.end, other.end) - first)

    def rows_of(self, other: "Days") -> slice:
        """Return where among these days those of another part of them are."""
        return slice(other.first - self.first, other.end - self.first)


def daily(table: Table) -> Days:
    """Return the days of a table with one row for each; raise DataError if one is missing."""
    days = table.dates(table.column(*TIME))
    wrong = np.flatnonzero(np.diff(days) != 1)
    if wrong.size:
        row = int(wrong[0]) + 1
        raise table.error(row, _not_next(int(days[row - 1]), int(days[row])))
    return Days(int(days[0]), len(days))


def days_of_rows(table: Table) -> tuple[Days, NDArray[np.int64]]:
    """Return days and the place of each row's (R) among them; raise DataError if one has no row."""
    days = table.dates(table.column(*TIME))
    found, rows = np.unique(days, return_index=True)
    gaps = np.flatnonzero(np.diff(found) != 1)
    if gaps.size:
        at = int(gaps[0])
        raise table.error(int(rows[at + 1]), _not_next(int(found[at]), int(found[at + 1])))
    return Days(int(found[0]), len(found)), days - found[0]


def _not_next(before: int, day: int) -> str:
    """Return what is wrong with a day after another."""
    found = date.fromordinal(day)
    if day <= before:
        above = date.fromordinal(before)
        return f"its day {found} does not come after {above} above; sort by date, one row a day"
    missing = date.fromordinal(before + 1)
    return f"the day {missing} is missing before {found}; give every day"


def require_shared(table: Table, days: Days, other: Table, others: Days) -> Days:
    """Return the days of two files; raise DataError if there are none."""
    shared = days.shared_with(others)
    if shared.length <= 0:
        raise DataError(f"{table.path} has the days {days}, {other.path} {others}: none is in both")
    return shared
