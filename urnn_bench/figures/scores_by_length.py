"""Test score against sequence length: every seed a point, the median over seeds a line.

Each point is the test score of the weights that were best on validation; those of a diverged run
are from before it diverged. The memoryless baseline is dashed; a model on that line has remembered
nothing.
"""

from math import nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import legend, set_length_axis
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import (
    BASELINE,
    BASELINE_DASHES,
    axis_label,
    escaped,
    mark_diverged,
    needs_log_axis,
    own_label,
)
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import DIVERGED
from urnn_bench.spec.types import Config


class ScoresByLengthOptions(Config):
    """The vertical axis."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")


class ScoresByLength(Figure):
    """How far each model's memory reaches."""

    Options = ScoresByLengthOptions
    options: ScoresByLengthOptions

    def draw(self, results: Results) -> Drawing:
        """Draw all tested runs of a benchmark."""
        metric = self.options.metric or results.criterion
        column = f"test_{metric}"
        tested = results.runs.dropna(subset=[column]) if column in results.runs else None
        if tested is None or tested.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has been tested yet")
        drawing = Drawing(figsize=(5.4, 3.4))
        ax = drawing.subplots()
        lengths = sorted(int(T) for T in tested["T"].unique())
        styles = styles_of_one_panel(results.models)
        tested = tested.assign(x=tested["T"].map(lengths.index))
        for model, runs in tested.groupby("model", sort=False):
            _draw_model(ax, str(model), styles[str(model)], runs, column)
        _draw_baselines(ax, results, metric, lengths)
        if needs_log_axis(tested[column]):
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        set_length_axis(ax, lengths)
        ax.set_ylabel(f"test {axis_label(metric)}")
        note = not_shown(results, tested["model"].unique(), lambda _: "not tested")
        legend(drawing, [ax], f"{escaped(results.heading)} (line: median of the seeds)", note)
        return drawing


def _draw_model(ax: Axes, model: str, style: ModelStyle, runs: pd.DataFrame, column: str) -> None:
    color, marker = style
    ax.plot(runs["x"], runs[column], linestyle="", color=color, marker=marker, alpha=0.35)
    diverged = runs[runs["status"] == DIVERGED]
    if len(diverged):
        mark_diverged(ax, diverged["x"].tolist(), diverged[column].tolist(), color)
    median = runs.groupby("x")[column].median()
    ax.plot(median.index, median, color=color, marker=marker, linewidth=1.8, label=escaped(model))


def _draw_baselines(ax: Axes, results: Results, metric: str, lengths: list[int]) -> None:
    values = {T: results.baselines(metric, T) for T in lengths}
    for name, dashes in zip(values[lengths[0]], BASELINE_DASHES, strict=False):
        heights = [values[T].get(name, nan) for T in lengths]
        x: list[float] = [*range(len(lengths))]
        if len(lengths) == 1:
            # a line through a single length
            x, heights = [-0.3, 0.3], heights * 2
        ax.plot(x, heights, linestyle=dashes, label=own_label(f"{name} (baseline)"), **BASELINE)
