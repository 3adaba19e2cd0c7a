"""Observed temperatures on the days and at the depths of a process model.

R rows, N days, D depths.
"""

import numpy as np
from numpy.typing import NDArray

from urnn_bench.data.csv_table import Table
from urnn_bench.errors import DataError
from urnn_bench.tasks._lake_columns import DEPTH, DEPTHS, TIME, WATER, Days

Array = NDArray[np.float64]

_TEMPERATURE = ("temp", "temp_observed", "Observed_temp")
# the level of a lake changes: so much deeper than its mean bottom may be observed
_HIGHEST_LEVEL = 1.1


def observed_celsius(table: Table, days: Days, depths_m: Array, bottom_m: float) -> Array:
    """Return observations (N, D), nan where there are none; raise DataError if all are.

    Several at one depth and day are averaged.
    """
    day = table.dates(table.column(*TIME)) - days.first
    depth = nearest_depths(_depths(table, bottom_m), depths_m)
    celsius = table.numbers(table.column(*_TEMPERATURE), WATER)
    kept = (day >= 0) & (day < days.length) & (depth >= 0)
    if not kept.any():
        raise DataError(
            f"{table.path}: no observation is of the days {days} and of depths to "
            f"{depths_m[-1]:g} m, those of the process model"
        )
    cells = day[kept] * len(depths_m) + depth[kept]
    return _means(cells, celsius[kept], days.length * len(depths_m)).reshape(days.length, -1)


def nearest_depths(observed_m: Array, depths_m: Array) -> NDArray[np.int64]:
    """Return the place (R) of the nearest of depths (D), -1 if it is too far; of two the upper."""
    spacing = np.diff(depths_m)
    places = np.searchsorted(depths_m[:-1] + spacing / 2, observed_m)
    highest, lowest = depths_m[0] - spacing[0] / 2, depths_m[-1] + spacing[-1] / 2
    near = (observed_m >= highest) & (observed_m <= lowest)
    return np.where(near, places, -1)


def _depths(table: Table, bottom_m: float) -> Array:
    name = table.column(*DEPTH)
    found = table.numbers(name, DEPTHS)
    deeper = np.flatnonzero(found > _HIGHEST_LEVEL * bottom_m)
    if deeper.size:
        row = int(deeper[0])
        what = f"'{name}' is {found[row]:g} m, and the hypsography ends at {bottom_m:g} m"
        raise table.error(row, what)
    return found


def _means(cells: NDArray[np.int64], values: Array, count: int) -> Array:
    """Return the mean value of every cell, nan for one without any."""
    sums = np.bincount(cells, values, minlength=count)
    counts = np.bincount(cells, minlength=count)
    means = np.full(count, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
