"""From the CSV files of a lake to its daily series; docs/data.md has their columns.

The days are those that the drivers and the process model share, and the depths those of the process
model. An observation counts for the nearest depth if that is within half the distance to the next
one; those of other days or deeper are left out.

N days, D depths.
"""

from datetime import date
from math import inf
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from urnn_bench.data import csv_table
from urnn_bench.data.csv_table import Range, Table
from urnn_bench.errors import DataError
from urnn_bench.physics.energy import Hypsography
from urnn_bench.tasks._lake_columns import AIR, DEPTHS, daily, require_shared
from urnn_bench.tasks._lake_observations import observed_celsius
from urnn_bench.tasks._lake_process_model import simulation_of
from urnn_bench.tasks._lake_series import LakeSeries

Array = NDArray[np.float64]

# in the order of DRIVERS
_DRIVERS = {
    "ShortWave": Range(0, 500, "W/m²", "give the mean of the day"),
    "LongWave": Range(50, 600, "W/m²", "give the mean of the day"),
    "AirTemp": AIR,
    "RelHum": Range(0, 100, "per cent"),
    "WindSpeed": Range(0, 60, "m/s"),
    # less than 2 m have ever fallen on a day
    "Rain": Range(0, 2, "m a day", "it looks like mm"),
    "Snow": Range(0, 2, "m a day", "it looks like mm"),
}
_HUMIDITY = "RelHum"
_MAY_BE_MISSING = ("Rain", "Snow")
_AREAS = Range(0, 1e12, "m²")


class LakeFiles(NamedTuple):
    """The paths of a lake's files; without a hypsography all its depths have the same area."""

    drivers: Path
    process_model: Path
    observed: Path
    hypsography: Path | None


def read(files: LakeFiles) -> LakeSeries:
    """Return the series of a lake; raise DataError, with file and row, if they are not right."""
    weather, model = csv_table.read(files.drivers), csv_table.read(files.process_model)
    drivers, simulation = _drivers(weather), simulation_of(model)
    known = daily(weather)
    days = require_shared(weather, known, model, simulation.days)
    lake, bottom_m = _lake(files.hypsography, model, simulation.depths_m)
    observed = csv_table.read(files.observed)
    celsius = observed_celsius(observed, days, simulation.depths_m, bottom_m)
    rows = simulation.days.rows_of(days)
    return LakeSeries(
        first_day=date.fromordinal(days.first),
        lake=lake,
        drivers=torch.from_numpy(drivers[known.rows_of(days)]),
        simulated_celsius=torch.from_numpy(simulation.celsius[rows]),
        observed_celsius=torch.from_numpy(celsius),
        ice=torch.from_numpy(simulation.ice[rows]),
    )


def _drivers(table: Table) -> Array:
    """Return the drivers (N, 7)."""
    columns = [_driver(table, name, within) for name, within in _DRIVERS.items()]
    mean = columns[list(_DRIVERS).index(_HUMIDITY)].mean()
    if mean <= 1:
        raise DataError(
            f"{table.path}: the mean of '{_HUMIDITY}' is {mean:.3g}; give per cent, it looks like "
            "a fraction"
        )
    return np.stack(columns, axis=1)


def _driver(table: Table, name: str, within: Range) -> Array:
    if name in _MAY_BE_MISSING and name not in table.columns:
        return np.zeros(len(table))
    return table.numbers(table.column(name), within)


def _lake(path: Path | None, model: Table, depths_m: Array) -> tuple[Hypsography, float]:
    """Return the areas at depths (D), and how deep the lake is."""
    if path is None:
        return Hypsography(torch.from_numpy(depths_m), torch.ones(len(depths_m)).double()), inf
    known_m, areas_m2 = _hypsography(csv_table.read(path))
    if depths_m[-1] > known_m[-1]:
        raise DataError(
            f"{model.path}: the depth of {depths_m[-1]:g} m is below the hypsography of {path}, "
            f"which ends at {known_m[-1]:g} m"
        )
    areas = np.interp(depths_m, known_m, areas_m2)
    return Hypsography(torch.from_numpy(depths_m), torch.from_numpy(areas)), float(known_m[-1])


def _hypsography(table: Table) -> tuple[Array, Array]:
    """Return depths from 0 down and the area at each; raise DataError if it is no hypsography."""
    if len(table.columns) != 2:
        what = f"needs two columns, depth and area; {table.shown_columns()}"
        raise DataError(f"{table.path}: {what}")
    depth, area = table.columns
    depths_m = table.numbers(depth, DEPTHS)
    areas_m2 = table.numbers(area, _AREAS)
    if depths_m[0] != 0 or areas_m2[0] == 0:
        raise table.error(0, f"'{depth}' is not 0, or '{area}' is; begin at the surface")
    _require(table, np.diff(depths_m) > 0, f"'{depth}' is not larger than in the row above")
    _require(table, np.diff(areas_m2) <= 0, f"'{area}' is larger than in the row above")
    return depths_m, areas_m2


def _require(table: Table, right: NDArray[np.bool_], otherwise: str) -> None:
    """Raise DataError for the first row that is not right after the one above it."""
    wrong = np.flatnonzero(~right)
    if wrong.size:
        raise table.error(int(wrong[0]) + 1, otherwise)
