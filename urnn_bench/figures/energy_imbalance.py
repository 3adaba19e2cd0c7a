"""How well a lake's heat is kept: what it gains minus what comes through its surface, over days.

One panel for each model, with all its seeds, and the process model in black. The days are those of
validation without ice that the probe ``lake_profiles`` has read at the last update. The legend has
the mean size of the imbalance over days and seeds.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import median
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import panel_title
from urnn_bench.figures._lake import (
    IMBALANCE,
    PROCESS_IMBALANCE,
    PROCESS_MODEL,
    Reading,
    by_run,
    label_dates,
    lake_readings,
    note_of,
    title_of,
    with_mean,
)
from urnn_bench.figures._looks import styles_of
from urnn_bench.figures._panels import PANEL_INCHES, legend, panels
from urnn_bench.figures._style import escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_COLUMNS = 3
# share of the days that the axis has room for, and how much more there is of it
_SHOWN, _ROOM = 0.99, 1.4
_LEAST_W_M2 = 1.0
# in front of the models, which vary more
_PROCESS_LINE = {"color": "black", "lw": 1.0, "zorder": 3}


class EnergyImbalanceOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class EnergyImbalance(Figure):
    """The energy imbalance over days."""

    Options = EnergyImbalanceOptions
    options: EnergyImbalanceOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed model, at the last update that it was probed."""
        frame = lake_readings(results, self.options.T)
        readings, styles = [*by_run(frame)], styles_of(results.models)
        limit = _limit(results.benchmark, readings)
        models = list(dict.fromkeys(reading.model for reading in readings))
        drawing, axes = panels(len(models), columns=_COLUMNS)
        for ax, model in zip(axes, models, strict=True):
            own = [reading for reading in readings if reading.model == model]
            _draw(ax, own[:1], PROCESS_IMBALANCE, own_label(PROCESS_MODEL), _PROCESS_LINE)
            line = {"color": styles[model].color, "lw": 0.7, "alpha": 0.8}
            _draw(ax, own, IMBALANCE, escaped(model), line)
            ax.set_title(panel_title(escaped(model), PANEL_INCHES), fontsize=10)
            ax.set_ylim(-limit, limit)
            label_dates(ax)
        for ax in axes[::_COLUMNS]:
            ax.set_ylabel("energy imbalance (W/m²)")
        title = f"{title_of(results, frame)}; mean |imbalance| of ice-free days"
        legend(drawing, axes, title, note_of(results, frame))
        return drawing


def _limit(benchmark: str, readings: Sequence[Reading]) -> float:
    """Return the end of the axis; raise NothingToShowError if no imbalance is known."""
    sizes = [_most(r.table[name]) for name in (IMBALANCE, PROCESS_IMBALANCE) for r in readings]
    known = [size for size in sizes if isfinite(size)]
    if not known:
        raise NothingToShowError(f"no imbalance of '{benchmark}' is known: all days have ice")
    # a diverged run is cut off
    return _ROOM * max(median(known), _LEAST_W_M2)


def _most(imbalance: "pd.Series[float]") -> float:
    """Return what nearly all days are below; nan if none is known."""
    return float(imbalance.abs().quantile(_SHOWN))


def _draw(
    ax: Axes, readings: Sequence[Reading], name: str, label: str, line: Mapping[str, Any]
) -> None:
    """Draw every seed, with their mean size in the label."""
    size = float(pd.concat([reading.table[name] for reading in readings]).abs().mean())
    for number, reading in enumerate(readings):
        text = with_mean(label, size, "W/m²") if number == 0 else None
        ax.plot(reading.days, reading.table[name], label=text, **line)
