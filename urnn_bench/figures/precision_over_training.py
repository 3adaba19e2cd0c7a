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
from urnn_bench.figures._looks import ModelStyle, styles_of
from urnn_bench.figures._panels import (
    draw_seeds,
    legend,
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
_MOST_MARKERS = 10


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
        lengths = sorted(int(T) for T in frame["T"].unique())
        drawing, axes = panels(len(lengths), width=3.8)
        styles = styles_of(results.models)
        for ax, T in zip(axes, lengths, strict=True):
            _panel(ax, frame[frame["T"] == T], styles)
            ax.set_title(f"T = {T:,}", fontsize=10)
        share_y_axis(axes, _LEAST)
        axes[0].set_ylabel(NAME)
        note = not_shown(results, frame["model"], lambda _: "not probed")
        legend(drawing, axes, f"{escaped(results.benchmark)} ({seeds_note(frame)})", note)
        return drawing


def _panel(ax: Axes, frame: pd.DataFrame, styles: Mapping[str, ModelStyle]) -> None:
    for model, runs in frame.groupby("model", sort=False):
        color, marker = styles[str(model)]
        curves = runs.pivot_table(index="step", columns="run", values="value")
        draw_seeds(ax, curves, color)
        # up to the first end of a seed: later medians would be of other runs
        median = curves.loc[: runs.groupby("run")["step"].max().min()].median(axis=1)
        every = max(1, len(median) // _MOST_MARKERS)
        name = escaped(str(model))
        ax.plot(
            median.index, median, color=color, marker=marker, markevery=every, lw=1.6, label=name
        )
    set_precision_axis(ax)
    ax.set_xlabel("updates")
