"""Test score of every model: a dot for each seed, their mean with its 95 % interval, sorted.

One panel for each trained length, the best model on top. Losses have a geometric mean, as in a
table, and fewer than six seeds have their range instead of an interval. The baselines that all
models share are dashed. The number of parameters stands below a name.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.summary import averaging
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import fitted
from urnn_bench.figures._intervals import seeds_and_bars
from urnn_bench.figures._looks import ModelStyle, styles_of
from urnn_bench.figures._panels import add_legend, entries_of
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import (
    BASELINE,
    BASELINE_DASHES,
    IS_LOG,
    Scale,
    axis_label,
    escaped,
    mark_diverged,
    own_label,
)
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import DIVERGED
from urnn_bench.spec.types import Config

# of a panel, of a row, of what is around the rows, and of the longest line of a name
_PANEL_INCHES, _ROW_INCHES, _AROUND_INCHES, _NAME_INCHES = 6.2, 0.36, 1.5, 1.9
# of the legend of a few models, above the panels
_LEGEND_INCHES = 0.8
_MEAN = "mean"
_BASELINE = "(baseline)"


class ScoresByModelOptions(Config):
    """The horizontal axis."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    scale: Scale = Field("auto", description="auto is log if scores span a factor of 30")


class ScoresByModel(Figure):
    """Which model scores best, and how sure that is."""

    Options = ScoresByModelOptions
    options: ScoresByModelOptions

    def draw(self, results: Results) -> Drawing:
        """Draw all tested runs."""
        metric = self.options.metric or results.criterion
        scores = _scores(results, metric)
        lengths = sorted({int(T) for T in scores["T"]})
        rows = {T: _sorted(scores[scores["T"] == T], results, metric) for T in lengths}
        drawing, axes = _panels([len(of_length) for of_length in rows.values()])
        styles, is_log = styles_of(results.models), IS_LOG[self.options.scale](scores["score"])
        for ax, (T, means) in zip(axes, rows.items(), strict=True):
            ax.set_xscale("log" if is_log else "linear")
            _draw_models(ax, scores[scores["T"] == T], means, styles)
            _draw_baselines(ax, results.baselines(metric, T))
            ax.set_title(f"T = {T:,}", fontsize=10)
            ax.set_ylabel("model")
            ax.set_xlabel(f"test {axis_label(metric)}")
        note = not_shown(results, scores["model"].unique(), lambda _: "not tested")
        title = f"{escaped(results.heading)} ({seeds_and_bars(scores)})"
        entries = entries_of(axes, (own_label(_MEAN), "diverged", _BASELINE))
        add_legend(drawing, entries, title, note)
        return drawing


def _scores(results: Results, metric: str) -> pd.DataFrame:
    """Return tested runs with their score; raise NothingToShowError if there are none."""
    column = f"test_{metric}"
    runs = results.runs
    tested = runs.dropna(subset=[column]) if column in runs else runs[:0]
    if tested.empty:
        raise NothingToShowError(
            f"no run of '{results.benchmark}' has been tested yet with the metric '{metric}'"
        )
    return tested.assign(score=tested[column])


def _sorted(
    scores: pd.DataFrame, results: Results, metric: str
) -> Mapping[str, tuple[float, float, float]]:
    """Return mean, low and high of every model, the worst first, as it is drawn at the bottom."""
    average, is_loss = averaging(results, metric), metric == results.criterion
    found = {
        str(model): average(runs["score"].tolist())
        for model, runs in scores.groupby("model", sort=False)
    }
    worst_first = sorted(found, key=lambda model: found[model].value, reverse=is_loss)
    return {
        model: (found[model].value, found[model].low, found[model].high) for model in worst_first
    }


def _panels(rows: Sequence[int]) -> tuple[Drawing, list[Axes]]:
    """Return panels above each other, as high as their models need."""
    height = _ROW_INCHES * sum(rows) + _AROUND_INCHES * len(rows) + _LEGEND_INCHES
    drawing = Drawing(figsize=(_PANEL_INCHES, height))
    axes = drawing.subplots(len(rows), 1, squeeze=False, sharex=True, height_ratios=rows)
    return drawing, list(axes.flat)


def _draw_models(
    ax: Axes,
    scores: pd.DataFrame,
    means: Mapping[str, tuple[float, float, float]],
    styles: Mapping[str, ModelStyle],
) -> None:
    names = []
    for row, (model, (mean, low, high)) in enumerate(means.items()):
        runs = scores[scores["model"] == model]
        color, marker = styles[model]
        heights = [float(row)] * len(runs)
        # the names are on the axis, and in the legend for those who look there
        ax.plot(runs["score"], heights, marker, color=color, alpha=0.5, ms=4, label=escaped(model))
        is_diverged = runs["status"] == DIVERGED
        if is_diverged.any():
            diverged = runs.loc[is_diverged, "score"].tolist()
            mark_diverged(ax, diverged, [float(row)] * len(diverged), color)
        # one seed has no interval
        ax.hlines(row, low, high, color=color, lw=1.6)
        ax.plot(mean, row, "|", color="black", ms=11, mew=1.6, label=own_label(_MEAN))
        names.append(_name(model, runs))
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_ylim(-0.6, len(names) - 0.4)


def _name(model: str, runs: pd.DataFrame) -> str:
    """Return a model's name, with its parameters on a line of its own."""
    counts = runs["parameters"].dropna()
    sizes = [f"{int(count):,}" for count in sorted(counts.unique())]
    name = fitted(escaped(model), _NAME_INCHES, 8)
    return f"{name}\n{' or '.join(sizes)} parameters" if sizes else name


def _draw_baselines(ax: Axes, baselines: Mapping[str, float]) -> None:
    for (name, value), dashes in zip(baselines.items(), BASELINE_DASHES, strict=False):
        label = own_label(f"{name} {_BASELINE}")
        ax.axvline(value, linestyle=dashes, label=label, **BASELINE)
