"""How the reach of the gradient changes while a network learns: ‖∂C/∂h_t‖ over t and updates.

One panel for each model; the colour is the base-10 logarithm of the norm's median over seeds. The
norm is the total derivative of each example's loss over the units of h, a model's first state,
averaged over the batch.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import panel_title, wrapped
from urnn_bench.figures._panels import (
    PANEL_INCHES,
    at_length,
    count_seeds,
    panels,
    probe_interval,
    probe_length_note,
)
from urnn_bench.figures._readings import of_states, probed, without_readings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_MIN_UPDATES, _MIN_NORM = 3, 1e-12
_MAX_NAMED_ROWS = 10
_TITLE_POINTS = 9


class GradientHeatmapOptions(Config):
    """What is drawn."""

    state: str | None = Field(
        None, description="name of a state; each model's first one if not given"
    )
    T: int | None = Field(None, description="trained length; the longest if not given")


class GradientHeatmap(Figure):
    """The gradient norm over time and training."""

    Options = GradientHeatmapOptions
    options: GradientHeatmapOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every model that was probed at three updates or more."""
        readings = probed(results, "gradient_norm")
        states = None if self.options.state is None else [self.options.state]
        frame, T = at_length(of_states(results, readings, states), self.options.T)
        norms = _norms(frame)
        if norms.empty:
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was probed at {_MIN_UPDATES} updates; make some "
                f"with: {results.command.with_probes(probe_interval(results))}"
            )
        panel_of, label = _names(norms)
        drawing, axes = panels(len(panel_of))
        low, high = _color_limits(norms["value"])
        for ax, (model, name) in zip(axes, panel_of.items(), strict=True):
            mesh = _panel(ax, norms[norms["model"] == model], low, high)
            ax.set_title(panel_title(name, PANEL_INCHES), fontsize=10)
        axes[0].set_ylabel("updates, a row for each look")
        drawing.colorbar(mesh, ax=axes, label=f"log10 of ‖∂C/∂{label}‖ of an example at t")
        title = f"{escaped(results.heading)}, trained at {T}{probe_length_note(norms)}"
        title = f"{title}, median over {count_seeds(norms, 'step')}"
        note = without_readings(results, norms, readings, states)
        text = "\n".join(wrapped(line, drawing, _TITLE_POINTS) for line in (title, note) if line)
        drawing.suptitle(text, fontsize=_TITLE_POINTS)
        return drawing


def _norms(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the finite norms of models with enough updates to show a change."""
    frame = frame[np.isfinite(frame["value"])]
    counts = frame.groupby("model", sort=False)["step"].transform("nunique")
    return frame[counts >= _MIN_UPDATES]


def _names(norms: pd.DataFrame) -> tuple[dict[str, str], str]:
    """Return the name of every model's panel, with its state if they differ, and of the states."""
    states = dict(zip(norms["model"], norms["state"], strict=True))
    names = list(dict.fromkeys(states.values()))
    if len(names) == 1:
        return {model: escaped(model) for model in states}, escaped(names[0])
    return {model: escaped(f"{model}, {state}") for model, state in states.items()}, "state"


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
