"""How much of the gradient is rounding while a network is trained.

One panel for each length, over updates: seeds thin, their median thick. The reading is
‖g₃₂ - g₆₄‖ / ‖g₆₄‖ of the probe ``gradient_precision``. At the dashed line the gradient in float32
is all rounding. Readings are clipped to 1e-8 and 1e4.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle, curve_dashes, styles_of
from urnn_bench.figures._multiples import of_models, without_models
from urnn_bench.figures._panels import (
    add_legend,
    draw_seeds,
    entries_of,
    every_marker,
    panels,
    probe_interval,
    seeds_note,
    share_y_axis,
)
from urnn_bench.figures._precision import METRIC, NAME, readings, set_precision_axis
from urnn_bench.figures._readings import not_shown, probe_settings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure

_LEAST = 1e-9
_MIN_UPDATES = 2
_PANEL_INCHES = 3.8


class PrecisionOverTraining(Figure):
    """The relative error of the gradient in float32 over updates."""

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was probed at two updates or more."""
        frame = readings(results)
        if frame["step"].nunique() < _MIN_UPDATES:
            command = results.command.with_probes(
                *probe_settings(results, METRIC), probe_interval(results)
            )
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was probed at {_MIN_UPDATES} updates; make some "
                f"with: {command}"
            )
        lengths = of_models(results, frame.groupby("T"))
        drawing, axes = panels(len(lengths), width=_PANEL_INCHES)
        styles = styles_of(results.models)
        for ax, panel in zip(axes, lengths, strict=True):
            _panel(ax, panel.frame, styles)
            panel.set_title(ax, f"T = {panel.key:,}", _PANEL_INCHES)
        share_y_axis(axes, _LEAST)
        axes[0].set_ylabel(NAME)
        note = not_shown(results, frame["model"], lambda _: "not probed")
        entries = without_models(entries_of(axes, ()), lengths)
        add_legend(drawing, entries, f"{escaped(results.heading)} ({seeds_note(frame)})", note)
        return drawing


def _panel(ax: Axes, frame: pd.DataFrame, styles: Mapping[str, ModelStyle]) -> None:
    dashes = curve_dashes(styles)
    for model, runs in frame.groupby("model", sort=False):
        color, marker = styles[str(model)]
        curves = runs.pivot_table(index="step", columns="run", values="value")
        draw_seeds(ax, curves, color)
        # up to the first end of a seed: later medians would be of other runs
        median = curves.loc[: runs.groupby("run")["step"].max().min()].median(axis=1)
        ax.plot(
            median.index,
            median,
            color=color,
            ls=dashes[str(model)],
            marker=marker,
            markevery=every_marker(len(median)),
            lw=1.6,
            label=escaped(str(model)),
        )
    set_precision_axis(ax)
    ax.set_xlabel("updates")
