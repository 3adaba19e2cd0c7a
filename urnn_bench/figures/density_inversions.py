"""Where water is denser than the water below it: the share of days on which it is, by depth.

A line is the median over seeds, a thin one each seed. The days are those of validation that the
probe ``lake_profiles`` has read at the last update. The legend has the share of all pairs of
neighbouring depths and days; a pair is inverted if the upper is denser by more than 0.01 kg/m³.
"""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._lake import (
    PREDICTED,
    PROCESS,
    PROCESS_MODEL,
    Reading,
    by_run,
    inverted,
    lake_readings,
    note_of,
    title_of,
    with_mean,
)
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import every_marker, legend, panels
from urnn_bench.figures._style import BASELINE, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_PANEL_INCHES, _EXTRA_INCHES = 4.4, 0.8
# of the axis, the room left of 0
_LEFT = 0.02


class DensityInversionsOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class DensityInversions(Figure):
    """The share of days with a density inversion, by depth."""

    Options = DensityInversionsOptions
    options: DensityInversionsOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed model, at the last update that it was probed."""
        frame = lake_readings(results, self.options.T)
        readings, styles = [*by_run(frame)], styles_of_one_panel(results.models)
        drawing, (ax,) = panels(1, width=_PANEL_INCHES)
        drawing.set_figheight(drawing.get_figheight() + _EXTRA_INCHES)
        shares = _shares(readings[:1], PROCESS)
        ax.plot(
            shares[0],
            shares.index,
            ls="--",
            label=own_label(_name(PROCESS_MODEL, shares)),
            **BASELINE,
        )
        for model in dict.fromkeys(reading.model for reading in readings):
            own = _shares([r for r in readings if r.model == model], PREDICTED)
            color, marker = styles[model]
            _draw(ax, own, escaped(_name(model, own)), color, marker)
        ax.invert_yaxis()
        # so that a line at 0 is seen
        ax.set_xlim(left=-_LEFT * ax.get_xlim()[1])
        ax.set_xlabel("days with an inversion (%)")
        ax.set_ylabel("depth (m)")
        legend(drawing, [ax], title_of(results, frame), note_of(results, frame))
        return drawing


def _shares(readings: Sequence[Reading], kind: str) -> pd.DataFrame:
    """Return per cent of days on which a pair is inverted, a row for a depth, a column a run."""
    columns = []
    for reading in readings:
        depths, celsius = reading.profile(kind)
        between = (np.array(depths[:-1]) + np.array(depths[1:])) / 2
        columns.append(pd.Series(100 * _mean_of_known(inverted(celsius)), index=between))
    return pd.concat(columns, axis=1)


def _mean_of_known(inversions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of days (D - 1); nan at a depth of which no day is known."""
    count = np.isfinite(inversions).sum(axis=0)
    return np.where(count > 0, np.nansum(inversions, axis=0) / np.maximum(count, 1), np.nan)


def _name(model: str, shares: pd.DataFrame) -> str:
    known = shares.to_numpy()[np.isfinite(shares.to_numpy())]
    return with_mean(model, float(known.mean()) if len(known) else nan, "% of all pairs")


def _draw(ax: Axes, shares: pd.DataFrame, label: str, color: str, marker: str) -> None:
    if shares.shape[1] > 1:
        ax.plot(shares.to_numpy(), shares.index, color=color, lw=0.6, alpha=0.4)
    every = every_marker(len(shares))
    median = shares.median(axis=1)
    ax.plot(median, median.index, color=color, lw=1.8, label=label, marker=marker, markevery=every)
