"""What figures of lakes have in common: readings by day and depth, and axes of dates and depths.

S days, D depths from the surface.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from math import isfinite
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from numpy.typing import NDArray

from urnn_bench.analysis.results import Results
from urnn_bench.figures._panels import at_length, count_seeds
from urnn_bench.figures._readings import at_last_update, not_shown, probed, updates_of
from urnn_bench.figures._style import escaped
from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3
from urnn_bench.spec.labels import natural

PROBE = "lake_profiles"
PREDICTED, PROCESS, OBSERVED = "depth", "process", "observed"
DAY, IMBALANCE, PROCESS_IMBALANCE = "day", "imbalance", "process_imbalance"
PROCESS_MODEL = "process model"
# days before 1970, from which matplotlib counts
_EPOCH = date(1970, 1, 1).toordinal()


class Reading(NamedTuple):
    """The readings of one run: a row for every day (S), and a column for every name."""

    model: str
    table: pd.DataFrame

    @property
    def days(self) -> NDArray[np.float64]:
        """The days (S), from 1970 on."""
        return self.table[DAY].to_numpy(dtype=np.float64) - _EPOCH

    def profile(self, name: str) -> tuple[list[float], NDArray[np.float64]]:
        """Return the depths (D) in m and temperatures (S, D) in °C."""
        prefix = f"{name}_"
        columns = self.table.columns.astype(str)
        texts = (text.removeprefix(prefix) for text in columns if is_depth(text, prefix))
        depths = sorted(texts, key=float)
        celsius = self.table[[f"{prefix}{depth}" for depth in depths]]
        return [float(depth) for depth in depths], celsius.to_numpy(dtype=np.float64)


def is_depth(column: str, prefix: str) -> bool:
    """Return whether a column is that of a depth in m."""
    return column.startswith(prefix) and column.removeprefix(prefix)[:1].isdigit()


def lake_readings(results: Results, T: int | None) -> pd.DataFrame:
    """Return the readings of the probe at the last update of each model; raise NothingToShowError.

    Those of the longest trained length, or of T.
    """
    return at_last_update(at_length(probed(results, PROBE), T)[0])


def by_run(frame: pd.DataFrame) -> Iterator[Reading]:
    """Yield the readings of every run, by model and seed."""
    rows = frame[["model", "seed", "run"]].drop_duplicates().itertuples(index=False)
    for model, _, run in sorted(rows, key=lambda row: (natural(str(row.model)), row.seed)):
        own = frame[frame["run"] == run]
        table = own.pivot(index="t", columns="state", values="value")
        yield Reading(model, table[table[DAY].notna()])


def first_seeds(readings: Sequence[Reading]) -> list[Reading]:
    """Return the first run of every model."""
    return list({reading.model: reading for reading in reversed(readings)}.values())[::-1]


def inverted(celsius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 where a depth is denser than the one below, else 0 (S, D - 1); nan if unknown."""
    excess: NDArray[np.float64] = density_excess_kg_m3(celsius)
    return np.where(np.isfinite(excess), excess > INVERSION_KG_M3, np.nan)


def with_mean(label: str, mean: float, unit: str) -> str:
    """Return a label with a mean, unless it is that of a diverged run."""
    return f"{label}, {mean:.3g} {unit}" if isfinite(mean) else f"{label}, not finite"


def label_dates(ax: Axes) -> None:
    """Name months, or days if there are few."""
    locator = AutoDateLocator(minticks=2, maxticks=6)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    names = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(names)
    ax.set_xlabel("date")


def title_of(results: Results, frame: pd.DataFrame, seeds: str = "") -> str:
    """Return what the readings are of, by default of all seeds."""
    (T,) = frame["T"].unique()
    windows = f"validation, windows of {int(T):,} days, after {updates_of(frame)} updates"
    return f"{escaped(results.heading)}: {windows} ({seeds or count_seeds(frame)})"


def note_of(results: Results, frame: pd.DataFrame) -> str:
    """Return which models are not shown."""
    return not_shown(results, frame["model"].unique(), lambda _: "not probed")
