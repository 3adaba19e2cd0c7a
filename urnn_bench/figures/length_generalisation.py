"""Test score at lengths that were not trained on: how far does what was learned carry?

One panel for each length of training, which the vertical line marks. Every seed is a point, the
line is the median over seeds. All points of a seed are scores of the same weights, those that were
best on validation. The baseline without memory is dashed, as it is at each length.
"""

from dataclasses import replace
from math import nan

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
    set_length_axis,
    share_score_axis,
)
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import (
    BASELINE,
    BASELINE_DASHES,
    IS_LOG,
    Scale,
    axis_label,
    escaped,
    own_label,
)
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_PANEL_INCHES = 4.2
_COLUMNS = 2


class LengthGeneralisationOptions(Config):
    """The vertical axis."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    scale: Scale = Field("auto", description="of the vertical axis")


class LengthGeneralisation(Figure):
    """What a network trained at one length scores at others."""

    Options = LengthGeneralisationOptions
    options: LengthGeneralisationOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that is scored at a length other than that of its training."""
        metric = self.options.metric or results.criterion
        frame = _scored_elsewhere(results, metric)
        lengths = sorted(int(length) for length in frame["length"].unique())
        trained = sorted(int(T) for T in frame["T"].unique())
        drawing, axes = panels(len(trained), columns=_COLUMNS, width=_PANEL_INCHES)
        for ax, T in zip(axes, trained, strict=True):
            _panel(ax, frame[frame["T"] == T], results, metric, lengths)
            ax.set_title(f"trained at T = {T:,}", fontsize=10)
        share_score_axis(axes, is_log=IS_LOG[self.options.scale](frame["value"]))
        axes[0].set_ylabel(f"test {axis_label(metric)}")
        note = not_shown(results, frame["model"].unique(), lambda _: "scored at one length")
        legend(drawing, axes, f"{escaped(results.heading)} ({count_seeds(frame)})", note)
        return drawing


def _scored_elsewhere(results: Results, metric: str) -> pd.DataFrame:
    """Return the scores of runs with several lengths; raise NothingToShowError without any."""
    scores = results.scores[results.scores["metric"] == metric]
    if scores.empty:
        raise NothingToShowError(f"no run of '{results.benchmark}' has been tested yet")
    runs = scores[scores["length"] != scores["T"]]["run"].unique()
    if not len(runs):
        longest = 2 * int(scores["T"].max())
        setting = f"evaluate.T=[{longest}]"
        command = replace(results.command, settings=(*results.command.settings, setting))
        raise NothingToShowError(
            f"no run of '{results.benchmark}' is scored at a length that it was not trained on; "
            f"score some with: {command}"
        )
    return scores[scores["run"].isin(runs)]


def _panel(
    ax: Axes, frame: pd.DataFrame, results: Results, metric: str, lengths: list[int]
) -> None:
    """Draw the runs of one length of training."""
    T, styles = int(frame["T"].iloc[0]), styles_of_one_panel(results.models)
    frame = frame.assign(x=frame["length"].map(lengths.index))
    for model, scores in frame.groupby("model", sort=False):
        _draw_model(ax, str(model), styles[str(model)], scores)
    _draw_baselines(ax, results, metric, T, lengths)
    label = own_label("length of training")
    ax.axvline(lengths.index(T), color="0.75", linewidth=5, zorder=0, label=label)
    set_length_axis(ax, lengths)
    ax.set_xlabel("T of the test (sequence length)")


def _draw_model(ax: Axes, model: str, style: ModelStyle, scores: pd.DataFrame) -> None:
    color, marker = style
    ax.plot(scores["x"], scores["value"], linestyle="", color=color, marker=marker, alpha=0.35)
    median = scores.groupby("x")["value"].median()
    ax.plot(median.index, median, color=color, marker=marker, linewidth=1.8, label=escaped(model))


def _draw_baselines(ax: Axes, results: Results, metric: str, T: int, lengths: list[int]) -> None:
    values = {length: results.baselines(metric, T, length) for length in lengths}
    names = dict.fromkeys(name for baselines in values.values() for name in baselines)
    for name, dashes in zip(names, BASELINE_DASHES, strict=False):
        heights = [values[length].get(name, nan) for length in lengths]
        label = own_label(f"{name} (baseline)")
        ax.plot(range(len(lengths)), heights, linestyle=dashes, label=label, **BASELINE)
