"""What training does to the memory: the memory horizon and the leading Lyapunov exponent.

The horizon is the longest lag from which a gradient comes back, the exponent how fast neighbouring
states diverge or converge, in nats per step. The horizon is that of a model's first state. Both are
over updates, in a panel each. The median ends with the first seed that ends.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle, curve_dashes, styles_of
from urnn_bench.figures._multiples import of_models, share_y_of_parts, without_models
from urnn_bench.figures._panels import (
    add_legend,
    at_length,
    draw_seeds,
    entries_of,
    every_marker,
    panels,
    probe_interval,
    probe_length_note,
    seeds_note,
)
from urnn_bench.figures._readings import not_shown, require_finite
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.records.metrics import PROBE
from urnn_bench.spec.types import Config

_HORIZON = "memory_horizon_"
_LYAPUNOV = "lyapunov"
_PANELS = {
    _HORIZON: "memory horizon (steps)",
    _LYAPUNOV: "Lyapunov exponent (nat / step)",
}
_MIN_UPDATES = 2
_PANEL_INCHES = 3.4


class MemoryOverTrainingOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class MemoryOverTraining(Figure):
    """Single numbers that probes read, over updates."""

    Options = MemoryOverTrainingOptions
    options: MemoryOverTrainingOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was probed at two updates or more."""
        frame = _numbers(results.metrics[results.metrics["split"] == PROBE])
        if frame.empty or frame["step"].nunique() < _MIN_UPDATES:
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was probed at {_MIN_UPDATES} updates; make some "
                f"with: {results.command.with_probes(probe_interval(results))}"
            )
        require_finite(frame["value"], "memory horizon", results)
        frame, T = at_length(frame, self.options.T)
        read = frame.groupby("metric", sort=False)
        parts = of_models(results, ((m, read.get_group(m)) for m in _PANELS if m in read.groups))
        drawing, axes = panels(len(parts), width=_PANEL_INCHES)
        styles = styles_of(results.models)
        for ax, panel in zip(axes, parts, strict=True):
            for model, readings in panel.frame.groupby("model", sort=False):
                _draw_model(ax, str(model), styles, readings)
            panel.set_title(ax, "", _PANEL_INCHES)
            ax.set_ylabel(_PANELS[panel.key])
            ax.set_xlabel("updates")
        share_y_of_parts(axes, parts)
        title = f"{escaped(results.heading)}, trained at {T}{probe_length_note(frame)}"
        note = not_shown(results, frame["model"], lambda _: "not probed at this length")
        entries = without_models(entries_of(axes, ()), parts)
        add_legend(drawing, entries, f"{title} ({seeds_note(frame)})", note)
        return drawing


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the exponents, and the horizons of the first state of each model."""
    horizons = frame[frame["metric"].str.startswith(_HORIZON)]
    first = horizons.groupby("model", sort=False)["metric"].transform("first")
    horizons = horizons[horizons["metric"] == first].assign(metric=_HORIZON)
    return pd.concat([horizons, frame[frame["metric"] == _LYAPUNOV]]).sort_index()


def _draw_model(
    ax: Axes, model: str, styles: Mapping[str, ModelStyle], readings: pd.DataFrame
) -> None:
    """Draw every seed thin and their median thick, up to the last update that all seeds have."""
    color, marker = styles[model]
    curves = readings.pivot_table(index="step", columns="run", values="value")
    draw_seeds(ax, curves, color)
    first_end = readings.groupby("run")["step"].max().min()
    median = curves.loc[:first_end].median(axis=1)
    ax.plot(
        median.index,
        median,
        color=color,
        ls=curve_dashes(styles)[model],
        marker=marker,
        markevery=every_marker(len(median)),
        lw=1.8,
        label=escaped(model),
    )
