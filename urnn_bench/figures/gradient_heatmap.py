"""How the reach of the gradient changes while a network learns: ‖∂C/∂h_t‖ over t and updates.

One panel for each model; the colour is the base-10 logarithm of the norm's median over seeds. The
norm is the total derivative of each example's loss over the units of h, averaged over the batch.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import (
    at_length,
    count_seeds,
    panels,
    probe_interval,
    probe_length_note,
    probed,
    wrapped,
)
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_MIN_UPDATES, _MIN_NORM = 3, 1e-12
_MAX_NAMED_ROWS = 10


class GradientHeatmapOptions(Config):
    """What is drawn."""

    state: str = Field("h", description="which state; c is an LSTM's cell")
    T: int | None = Field(None, description="trained length; the longest if not given")


class GradientHeatmap(Figure):
    """The gradient norm over time and training."""

    Options = GradientHeatmapOptions
    options: GradientHeatmapOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every model that was probed at three updates or more."""
        frame, T = at_length(probed(results, "gradient_norm"), self.options.T)
        norms = self._norms(frame)
        if norms.empty:
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was probed at {_MIN_UPDATES} updates; make some "
                f"with: {results.command.with_probes(probe_interval(results))}"
            )
        models = list(dict.fromkeys(norms["model"]))
        drawing, axes = panels(len(models))
        low, high = _color_limits(norms["value"])
        for ax, model in zip(axes, models, strict=True):
            mesh = _panel(ax, norms[norms["model"] == model], low, high)
            ax.set_title(escaped(model), fontsize=10)
        axes[0].set_ylabel("updates, a row for each look")
        label = f"log10 of ‖∂C/∂{escaped(self.options.state)}‖ of an example at t"
        drawing.colorbar(mesh, ax=axes, label=label)
        title = f"{escaped(results.benchmark)}, trained at {T}{probe_length_note(norms)}"
        title = wrapped(f"{title}, median over {count_seeds(norms, 'step')}", drawing)
        drawing.suptitle(title, fontsize=9)
        return drawing

    def _norms(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the finite norms of a state, for models with enough updates to show a change."""
        frame = frame[(frame["state"] == self.options.state) & np.isfinite(frame["value"])]
        counts = frame.groupby("model", sort=False)["step"].transform("nunique")
        return frame[counts >= _MIN_UPDATES]


def _color_limits(norms: "pd.Series[float]") -> tuple[float, float]:
    low = np.log10(max(_MIN_NORM, norms.min()))
    return float(low), float(np.log10(max(norms.max(), 10 * _MIN_NORM)))


def _panel(ax: Axes, norms: pd.DataFrame, low: float, high: float) -> QuadMesh:
    """Draw the median over seeds of one model's norms."""
    grid = norms.pivot_table(index="step", columns="t", values="value", aggfunc="median")
    mesh = ax.pcolormesh(
        grid.columns,
        range(len(grid)),
        np.log10(grid.clip(lower=_MIN_NORM).to_numpy()),
        vmin=low,
        vmax=high,
        shading="nearest",
        cmap="viridis",
        rasterized=True,
    )
    _name_rows(ax, grid.index)
    ax.set_xlabel("t (steps)")
    ax.grid(visible=False)
    return mesh


def _name_rows(ax: Axes, steps: "pd.Index[int]") -> None:
    """Name rows by their updates; rows are evenly spaced, however far apart their updates are."""
    every = -(-len(steps) // _MAX_NAMED_ROWS)
    ax.set_yticks(range(0, len(steps), every), [f"{step:,}" for step in steps[::every]])
