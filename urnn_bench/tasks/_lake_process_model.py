"""The output of a process model from its file, in either of two forms.

Wide: a row for each day with columns such as ``temp_0.5``. Long: a row for each day and depth, in
any order. R rows, N days, D depths.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench.data.csv_table import Range, Table
from urnn_bench.errors import DataError
from urnn_bench.tasks._lake_columns import DEPTH, DEPTHS, WATER, Days, daily, days_of_rows

_PREFIX = "temp_"
TEMPERATURE, ICE = "temp", "ice"
_FLAG = Range(0, 1, hint="ice is 0 or 1")


class Simulation(NamedTuple):
    """Days, depths (D) that increase, temperatures (N, D) and whether there is ice (N)."""

    days: Days
    depths_m: NDArray[np.float64]
    celsius: NDArray[np.float64]
    ice: NDArray[np.bool_]


def simulation_of(table: Table) -> Simulation:
    """Return the output of a process model; raise DataError if it is not a whole grid."""
    found = _long(table) if TEMPERATURE in table.columns else _wide(table)
    if len(found.depths_m) < 2:
        raise DataError(f"{table.path}: has one depth; give the temperatures of two at least")
    return found


def _wide(table: Table) -> Simulation:
    names = [name for name in table.columns if name.startswith(_PREFIX)]
    if not names:
        # raises with the columns that there are
        table.column(TEMPERATURE, f"{_PREFIX}0")
    depths = np.array([_depth(table, name) for name in names])
    order = np.argsort(depths)
    _require_distinct(table, depths[order])
    celsius = np.stack([table.numbers(names[column], WATER) for column in order], axis=1)
    return Simulation(daily(table), depths[order], celsius, _ice(table))


def _depth(table: Table, name: str) -> float:
    """Return the depth that a column's name ends with."""
    text = name.removeprefix(_PREFIX)
    try:
        depth = float(text)
    except ValueError:
        depth = np.nan
    if DEPTHS.low <= depth <= DEPTHS.high:
        return depth
    raise DataError(
        f"{table.path}: row 1: '{name}' does not end with a depth of {DEPTHS}, as temp_0.5 does"
    )


def _require_distinct(table: Table, depths: NDArray[np.float64]) -> None:
    same = depths[1:][np.diff(depths) == 0]
    if same.size:
        raise DataError(f"{table.path}: row 1: two columns are of {same[0]:g} m")


def _ice(table: Table) -> NDArray[np.bool_]:
    """Return whether a row (R) has ice; none has it without a column that says so."""
    if ICE not in table.columns:
        return np.zeros(len(table), dtype=np.bool_)
    flags = table.numbers(ICE, _FLAG)
    partly = np.flatnonzero((flags != 0) & (flags != 1))
    if partly.size:
        row = int(partly[0])
        raise table.error(row, f"'{ICE}' is {flags[row]:g}; {_FLAG.hint}")
    frozen: NDArray[np.bool_] = flags == 1
    return frozen


def _long(table: Table) -> Simulation:
    days, day = days_of_rows(table)
    depths, depth = np.unique(_depths(table), return_inverse=True)
    cells = day * len(depths) + depth
    rows = _rows_of_cells(table, days, depths, cells)
    celsius = table.numbers(TEMPERATURE, WATER)[rows].reshape(days.length, len(depths))
    ice = _ice(table)[rows].reshape(celsius.shape)
    _require_one_ice(table, ice, rows.reshape(celsius.shape))
    return Simulation(days, depths, celsius, ice[:, 0])


def _depths(table: Table) -> NDArray[np.float64]:
    return table.numbers(table.column(*DEPTH), DEPTHS)


def _rows_of_cells(
    table: Table, days: Days, depths: NDArray[np.float64], cells: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the row of every day and depth (N D), or raise DataError."""
    rows = np.argsort(cells, kind="stable")
    ordered = cells[rows]
    again = np.flatnonzero(np.diff(ordered) == 0)
    if again.size:
        row = int(rows[again + 1].min())
        raise table.error(row, f"{_cell(days, depths, int(cells[row]))} is there twice")
    # a grid is not made before it is known to be whole, as depths may be as many as rows
    missing = np.flatnonzero(ordered != np.arange(len(ordered)))
    if missing.size or len(ordered) < days.length * len(depths):
        at = int(missing[0]) if missing.size else len(ordered)
        what = f"{_cell(days, depths, at)} is missing; give every depth on every day"
        raise DataError(f"{table.path}: {what}")
    return rows


def _cell(days: Days, depths: NDArray[np.float64], cell: int) -> str:
    day, depth = divmod(cell, len(depths))
    return f"the temperature of {date.fromordinal(days.first + day)} at {depths[depth]:g} m"


def _require_one_ice(table: Table, ice: NDArray[np.bool_], rows: NDArray[np.int64]) -> None:
    """Raise DataError if depths of a day (N, D) differ in ice."""
    wrong = ice != ice[:, :1]
    if wrong.any():
        row = int(rows[wrong].min())
        raise table.error(row, f"'{ICE}' is not that of another depth of this day")
