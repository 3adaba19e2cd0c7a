"""How the reach of the gradient changes while a network learns: ‖∂C/∂h_t‖ over t and updates.

One panel for each model; the colour is the base-10 logarithm of the norm's median over seeds. The
norm is the total derivative of each example's loss over the units of h, averaged over the batch.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import at_length, many, panels, probed, run_at, wrapped
from urnn_bench.figures._style import plain
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_FEWEST, _LOWEST = 3, 1e-12
# rows with a name, at the most
_NAMED = 10


class GradientHeatmapOptions(Config):
    """What is drawn."""

    state: str = Field("h", description="which state; c is an LSTM's cell")
    T: int | None = Field(None, description="trained length; the longest if not given")


class GradientHeatmap(Figure):
    """The gradient norm over time and training."""

    Options = GradientHeatmapOptions
    options: GradientHeatmapOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every model that was looked into at three updates or more."""
        frame = probed(results, "gradient_norm")
        frame, T = at_length(frame, self.options.T)
        frame = frame[frame["state"] == self.options.state]
        frame = frame[np.isfinite(frame["value"])]
        counts = frame.groupby("model", sort=False)["step"].nunique()
        models = [str(model) for model, count in counts.items() if count >= _FEWEST]
        if not models:
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was looked into at {_FEWEST} updates; make some "
                f"with: {results.command} --probe --set probes.every=100"
            )
        shown = frame[frame["model"].isin(models)]
        low = np.log10(max(_LOWEST, shown["value"].min()))
        high = np.log10(max(shown["value"].max(), 10 * _LOWEST))
        drawing, axes = panels(len(models))
        for ax, model in zip(axes, models, strict=True):
            of = frame[frame["model"] == model]
            grid = of.pivot_table(index="step", columns="t", values="value", aggfunc="median")
            colors = np.log10(grid.clip(lower=_LOWEST).to_numpy())
            mesh = ax.pcolormesh(
                grid.columns,
                range(len(grid)),
                colors,
                vmin=low,
                vmax=high,
                shading="nearest",
                cmap="viridis",
                rasterized=True,
            )
            _rows(ax, grid.index)
            ax.set_title(plain(model), fontsize=10)
            ax.set_xlabel("t (steps)")
            ax.grid(visible=False)
        axes[0].set_ylabel("updates, a row for each look")
        label = f"log10 of ‖∂C/∂{self.options.state}‖ of an example at t"
        drawing.colorbar(mesh, ax=axes, label=label)
        title = f"{plain(results.benchmark)}, trained at {T}{run_at(shown)}"
        title = wrapped(f"{title}, median over {many(shown, 'step')}", drawing)
        drawing.suptitle(title, fontsize=9)
        return drawing


def _rows(ax: Axes, steps: "pd.Index[int]") -> None:
    """Name rows by their updates; looks lie side by side, however many updates apart."""
    every = -(-len(steps) // _NAMED)
    ax.set_yticks(range(0, len(steps), every), [f"{step:,}" for step in steps[::every]])
