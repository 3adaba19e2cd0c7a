"""Where float32 loses the gradient: how much of it is rounding, for every length.

One panel for each probed update, one mark for each run; the line is the median. The reading is
‖g₃₂ - g₆₄‖ / ‖g₆₄‖ of the probe ``gradient_precision``. At the dashed line the gradient in float32
is all rounding. Readings are clipped to 1e-8 and 1e4.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import (
    count_seeds,
    legend,
    panels,
    select_updates,
    set_length_axis,
    share_y_axis,
    title_after,
)
from urnn_bench.figures._precision import METRIC, NAME, readings, set_precision_axis
from urnn_bench.figures._readings import not_shown, probe_settings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_LEAST = 1e-9


class PrecisionByLengthOptions(Config):
    """What is drawn."""

    most: int = Field(4, ge=1, description="panels: the first probed updates and the last one")


class PrecisionByLength(Figure):
    """The relative error of the gradient in float32 over T."""

    Options = PrecisionByLengthOptions
    options: PrecisionByLengthOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run."""
        frame = readings(results)
        lengths = sorted(int(T) for T in frame["T"].unique())
        if len(lengths) < 2:
            command = replace(results.command, lengths=())
            raise NothingToShowError(
                f"runs of '{results.benchmark}' were probed at one length; probe two lengths, "
                f"given by --T, with: {command.with_probes(*probe_settings(results, METRIC))}"
            )
        steps = select_updates(frame, self.options.most)
        drawing, axes = panels(len(steps))
        styles = styles_of_one_panel(results.models)
        for ax, step in zip(axes, steps, strict=True):
            _panel(ax, frame[frame["step"] == step], lengths, styles)
            ax.set_title(title_after(step), fontsize=10)
        share_y_axis(axes, _LEAST)
        axes[0].set_ylabel(NAME)
        note = not_shown(results, frame["model"], lambda _: "not probed")
        legend(drawing, axes, f"{escaped(results.heading)} ({count_seeds(frame)})", note)
        return drawing


def _panel(
    ax: Axes, frame: pd.DataFrame, lengths: list[int], styles: Mapping[str, ModelStyle]
) -> None:
    for model, runs in frame.groupby("model", sort=False):
        color, marker = styles[str(model)]
        median = runs.groupby("T")["value"].median()
        place = [lengths.index(int(T)) for T in median.index]
        ax.plot(place, median, color=color, marker=marker, lw=1.4, label=escaped(str(model)))
        own = [lengths.index(int(T)) for T in runs["T"]]
        ax.scatter(own, runs["value"], marker=marker, s=10, facecolors="none", edgecolors=color)
    set_precision_axis(ax)
    set_length_axis(ax, lengths)
