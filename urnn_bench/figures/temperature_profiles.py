"""The temperature of a lake over time and depth: observed, by its process model and every network.

The days are those of validation that the probe ``lake_profiles`` has read at the last update, of
the first seed of each model. Black dots are density inversions: water that is denser than the water
below it by more than 0.01 kg/m³. What nobody has observed is grey.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._fitting import panel_title, wrapped
from urnn_bench.figures._lake import (
    OBSERVED,
    PREDICTED,
    PROCESS,
    PROCESS_MODEL,
    Reading,
    by_run,
    first_seeds,
    inverted,
    label_dates,
    lake_readings,
    note_of,
    title_of,
)
from urnn_bench.figures._panels import PANEL_INCHES, panels
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_COLUMNS = 3
_COLORS, _UNKNOWN = "plasma", "0.9"
_TITLE_POINTS = 9
# how far a network may widen the scale at either end, in °C
_BEYOND_C = 3.0


class TemperatureProfilesOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class TemperatureProfiles(Figure):
    """Temperature over days and depths."""

    Options = TemperatureProfilesOptions
    options: TemperatureProfilesOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed model, at the last update that it was probed."""
        frame = lake_readings(results, self.options.T)
        readings = first_seeds([*by_run(frame)])
        parts = [("observed", readings[0], OBSERVED), (PROCESS_MODEL, readings[0], PROCESS)]
        parts += [(_name(reading), reading, PREDICTED) for reading in readings]
        low, high = _limits(readings)
        drawing, axes = panels(len(parts), columns=_COLUMNS)
        for ax, (name, reading, kind) in zip(axes, parts, strict=True):
            mesh = _draw(ax, reading, kind, low, high)
            ax.set_title(panel_title(name, PANEL_INCHES), fontsize=10)
        for ax in axes[::_COLUMNS]:
            ax.set_ylabel("depth (m)")
        # a network may be outside of the scale
        drawing.colorbar(mesh, ax=axes, label="temperature (°C)", extend="both", shrink=0.8)
        text = (
            f"{title_of(results, frame, 'first seed')}; dots: density inversions",
            note_of(results, frame),
        )
        lines = [wrapped(line, drawing, _TITLE_POINTS) for line in text if line]
        drawing.suptitle("\n".join(lines), fontsize=_TITLE_POINTS)
        return drawing


def _name(reading: Reading) -> str:
    """Return the name of a network, and whether it predicts nothing that can be drawn."""
    is_finite = np.isfinite(reading.profile(PREDICTED)[1]).any()
    return escaped(reading.model) + ("" if is_finite else ", not finite")


def _limits(readings: Sequence[Reading]) -> tuple[float, float]:
    """Return the range of what was observed and simulated, and of networks that are close to it."""
    known = _finite(readings[:1], OBSERVED, PROCESS)
    low, high = float(known.min()), float(known.max())
    predicted = np.clip(_finite(readings, PREDICTED), low - _BEYOND_C, high + _BEYOND_C)
    both = np.concatenate([known, predicted])
    return float(both.min()), float(both.max())


def _finite(readings: Sequence[Reading], *kinds: str) -> NDArray[np.float64]:
    profiles = [reading.profile(kind)[1].ravel() for reading in readings for kind in kinds]
    values = np.concatenate(profiles)
    return values[np.isfinite(values)]


def _draw(ax: Axes, reading: Reading, kind: str, low: float, high: float) -> QuadMesh:
    depths, celsius = reading.profile(kind)
    mesh = ax.pcolormesh(
        reading.days,
        depths,
        celsius.T,
        vmin=low,
        vmax=high,
        shading="nearest",
        cmap=_COLORS,
        rasterized=True,
    )
    _mark_inversions(ax, reading.days, np.asarray(depths), celsius)
    ax.set_facecolor(_UNKNOWN)
    ax.grid(visible=False)
    ax.invert_yaxis()
    label_dates(ax)
    return mesh


def _mark_inversions(
    ax: Axes,
    days: NDArray[np.float64],
    depths: NDArray[np.float64],
    celsius: NDArray[np.float64],
) -> None:
    """Draw a dot between two depths."""
    day, pair = np.nonzero(inverted(celsius) == 1)
    between = (depths[:-1] + depths[1:]) / 2
    ax.plot(days[day], between[pair], "ko", ms=1.6, mec="white", mew=0.25, rasterized=True)
