"""Learning curves, one panel a length: every seed thin, the median over seeds thick.

The layout of Figures 1 and 2 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, with the
memoryless baseline dashed. The loss axis is logarithmic where its values span a factor of 30.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.timing import timing_notes
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._devices import MIXED, by_device
from urnn_bench.figures._fitting import panel_title
from urnn_bench.figures._looks import Dashes, ModelStyle, curve_dashes, styles_of
from urnn_bench.figures._multiples import of_models, share_y_of_parts, without_models
from urnn_bench.figures._panels import (
    PANEL_INCHES,
    add_legend,
    draw_seeds,
    entries_of,
    every_marker,
)
from urnn_bench.figures._paper_points import FROM_PAPER, Point, draw_points
from urnn_bench.figures._readings import not_shown, require_finite
from urnn_bench.figures._stages import mark_stages
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
from urnn_bench.records.record import DIVERGED, INTERRUPTED, RUNNING, SOLVED
from urnn_bench.spec.labels import names_of
from urnn_bench.spec.types import Config

_MAX_COLUMNS = 4
# in inches, for the legend above a single panel
_MIN_WIDTH = 5.6
# of the vertical axis, over the highest value, for half a marker
_HEADROOM = 1.04
_COLUMNS = {"updates": "step", "examples": "examples", "seconds": "train_s"}
_X_LABELS = {
    "updates": "updates",
    "examples": "training examples",
    "seconds": "seconds of training, median of the seeds",
}
# two seeds never take the same time, so they are brought together by their updates
_INDEX = {**_COLUMNS, "seconds": "step"}
_MIN_IN_THOUSANDS = 5000
_UNFINISHED = (RUNNING, INTERRUPTED)


class LearningCurvesOptions(Config):
    """The axes."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    split: Literal["validation", "train"] = Field("validation", description="on which data")
    x: Literal["examples", "updates", "seconds"] = Field(
        "examples", description="how training is counted"
    )
    scale: Scale = Field("auto", description="of the vertical axis")
    top: float | None = Field(
        None, gt=0, description="upper end of a linear axis, as a multiple of the first baseline"
    )
    paper: dict[str, dict[int, list[Point]]] = Field(
        {}, description="points [x, value] read off a paper's curve, by model and length"
    )


class LearningCurves(Figure):
    """The loss over training for every model, length by length."""

    Options = LearningCurvesOptions
    options: LearningCurvesOptions

    @classmethod
    def with_axes(
        cls, options: Mapping[str, object], axes: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return options with other axes, on which a paper's points have no place."""
        kept = {key: value for key, value in options.items() if key not in ("paper", "top")}
        return super().with_axes(kept, axes)

    def draw(self, results: Results) -> Drawing:
        """Draw all runs of a benchmark."""
        metric = self.options.metric or results.criterion
        parts = self._parts(results)
        frame = pd.concat([self._scores(part, metric) for _, part in parts])
        if frame.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has recorded '{metric}'")
        require_finite(frame["value"], metric, results)
        places = [
            (device, part, panel)
            for device, part in parts
            for panel in of_models(part, self._scores(part, metric).groupby("T"))
        ]
        panels = [panel for *_, panel in places]
        drawing, axes = _grid(len(panels))
        for ax, (device, part, panel) in zip(axes, places, strict=True):
            self._panel(ax, panel.frame, part, metric)
            panel.set_title(ax, _panel_title(panel.key, device), PANEL_INCHES)
            self._label_x(ax, frame)
        share_y_of_parts(axes, panels)
        for ax in axes[::_MAX_COLUMNS]:
            ax.set_ylabel(f"{self.options.split} {axis_label(metric)}")
        # models first, whatever the first panel lacks
        entries = without_models(entries_of(axes, ("(baseline)", FROM_PAPER)), panels)
        title = f"{escaped(results.heading)} ({_seeds_note(results, parts)})"
        add_legend(drawing, entries, title, self._note(results, frame, metric))
        return drawing

    def _parts(self, results: Results) -> list[tuple[str, Results]]:
        """Return the runs of each device if their times are drawn, otherwise all runs."""
        return by_device(results) if self.options.x == "seconds" else [("", results)]

    def _scores(self, results: Results, metric: str) -> pd.DataFrame:
        measured = results.metrics
        is_shown = (measured["split"] == self.options.split) & (measured["metric"] == metric)
        return measured[is_shown]

    def _note(self, results: Results, frame: pd.DataFrame, metric: str) -> str:
        """Return which models and times are left out."""
        scored = {*self._scores(results, metric)["model"]}
        lacking = not_shown(
            results, frame["model"].unique(), lambda name: MIXED if name in scored else "no scores"
        )
        timings = timing_notes(results.records) if self.options.x == "seconds" else []
        return "; ".join(filter(None, (lacking, *timings)))

    def _panel(self, ax: Axes, frame: pd.DataFrame, results: Results, metric: str) -> None:
        T = int(frame["T"].iloc[0])
        baselines = results.baselines(metric, T)
        first = next(iter(baselines.values()), None)
        top = self.options.top * first if self.options.top and first else None
        styles, drawn = styles_of(results.models), set[str]()
        for model, scores in frame.groupby("model", sort=False):
            style, dashes = styles[str(model)], curve_dashes(styles)[str(model)]
            runs = results.runs[(results.runs["T"] == T) & (results.runs["model"] == model)]
            # a stage ends and the next begins at one update, with two scores
            for curves in self._curves_by_stage(scores):
                median = _median(curves, runs, is_loss=metric == results.criterion)
                _draw_curves(ax, curves, median, str(model), style, dashes)
            _mark_ends(ax, curves, runs, style.color, top)
            # a paper's points stand once, at the first of a model's configurations
            name = names_of(str(model))[-1]
            points = [] if name in drawn else self._paper_points(name, T, curves.index.max())
            drawn.add(name)
            draw_points(ax, str(model), style.color, points)
        mark_stages(ax, frame, _COLUMNS[self.options.x])
        for (name, value), dashes in zip(baselines.items(), BASELINE_DASHES, strict=False):
            ax.axhline(value, linestyle=dashes, label=own_label(f"{name} (baseline)"), **BASELINE)
        self._scale_y(ax, frame["value"])
        if top:
            ax.set_ylim(top=top)

    def _curves_by_stage(self, scores: pd.DataFrame) -> list[pd.DataFrame]:
        """Return the scores over training of every stage, a column for each run."""
        stages = [scores[scores["stage"] == stage] for stage in scores["stage"].unique()]
        return [self._curves(stage) for stage in stages]

    def _curves(self, scores: pd.DataFrame) -> pd.DataFrame:
        index, column = _INDEX[self.options.x], _COLUMNS[self.options.x]
        curves = scores.pivot_table(index=index, columns="run", values="value")
        return curves.set_axis(scores.groupby(index)[column].median().reindex(curves.index))

    def _paper_points(self, model: str, T: int, end: float) -> list[tuple[float, float]]:
        """Return the paper's points up to the end of our curves."""
        return [(x, y) for x, y in self.options.paper.get(model, {}).get(T, []) if x <= end]

    def _label_x(self, ax: Axes, frame: pd.DataFrame) -> None:
        """Label the axis, in thousands where the numbers would be long."""
        in_thousands = frame[_COLUMNS[self.options.x]].max() >= _MIN_IN_THOUSANDS
        ax.set_xlabel(_X_LABELS[self.options.x] + (" (thousands)" if in_thousands else ""))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        if in_thousands:
            ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}")

    def _scale_y(self, ax: Axes, values: "pd.Series[float]") -> None:
        if IS_LOG[self.options.scale](values):
            ax.set_yscale("log")
        else:
            ax.set_ylim(0, _HEADROOM * ax.get_ylim()[1])


def _panel_title(T: int, device: str) -> str:
    title = escaped(f"T = {T:,}, on {device}" if device else f"T = {T:,}")
    return panel_title(title, PANEL_INCHES)


def _grid(count: int) -> tuple[Drawing, list[Axes]]:
    """Return a drawing with ``count`` panels, row by row."""
    columns = min(count, _MAX_COLUMNS)
    rows = -(-count // columns)
    drawing = Drawing(figsize=(max(_MIN_WIDTH, 1.2 + 2.9 * columns), 0.9 + 2.5 * rows))
    panels = drawing.subplots(rows, columns, squeeze=False)
    for ax in panels.flat[count:]:
        ax.set_visible(False)
    return drawing, list(panels.flat[:count])


def _seeds_note(results: Results, parts: Sequence[tuple[str, Results]]) -> str:
    """Return how many seeds each curve has, and how they are drawn."""
    counts = [part.runs.groupby(["model", "T"])["seed"].nunique() for _, part in parts]
    seeds = pd.concat(counts)
    low, high = seeds.min(), seeds.max()
    if high <= 1:
        return "one seed"
    count = f"{high}" if low == high else f"{low} to {high}"
    held = ", held once solved" if SOLVED in set(results.runs["status"]) else ""
    return f"thick: median of {count} seeds{held}; thin: each"


def _draw_curves(
    ax: Axes,
    curves: pd.DataFrame,
    median: "pd.Series[float]",
    model: str,
    style: ModelStyle,
    dashes: Dashes,
) -> None:
    color, marker = style
    draw_seeds(ax, curves, color, alpha=0.45)
    ax.plot(
        median.index,
        median,
        color=color,
        marker=marker,
        markevery=every_marker(len(median)),
        linestyle=dashes,
        linewidth=1.8,
        label=escaped(model),
    )


def _median(curves: pd.DataFrame, runs: pd.DataFrame, is_loss: bool) -> "pd.Series[float]":
    """Return the median over the seeds that have ended, or over all if none has.

    A seed that stopped because it solved its task keeps its last score. A seed that diverged gets
    an infinite loss, as a median over the others would look better than it is. The median ends
    with a seed that stopped for another reason.
    """
    status = runs.set_index("run")["status"]
    ended = status[~status.isin(_UNFINISHED)].index
    continued = curves.reindex(columns=ended if len(ended) else curves.columns)
    scores = _held(continued.to_numpy(), status[continued.columns], is_loss)
    median = pd.DataFrame(scores, index=continued.index).dropna().median(axis=1)
    return median[median < inf]


def _held(
    scores: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
    status: "pd.Series[str]",
    is_loss: bool,
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return scores, a column for each seed, with what a seed counts for after its last one."""
    if not len(scores):
        return scores
    known = ~np.isnan(scores)
    last = len(scores) - 1 - known[::-1].argmax(axis=0)
    is_after = (np.arange(len(scores))[:, np.newaxis] > last) & known.any(axis=0)
    held = np.where(
        is_after & (status == SOLVED).to_numpy(), scores[last, range(len(last))], scores
    )
    # one that diverged in an earlier stage has no scores of this one
    is_gone = is_after | ~known.any(axis=0)
    return np.where(is_gone & (status == DIVERGED).to_numpy() & is_loss, inf, held)


def _mark_ends(
    ax: Axes, curves: pd.DataFrame, runs: pd.DataFrame, color: str, top: float | None
) -> None:
    """Mark the last score of a diverged run, so that it does not look like a short run."""
    diverged = set(runs[runs["status"] == DIVERGED]["run"])
    for run in sorted(diverged.intersection(curves.columns)):
        scores = curves[run].dropna()
        if scores.empty:
            continue
        height = min(scores.iloc[-1], top or inf)
        mark_diverged(ax, scores.index[-1:], [height], color, clip_on=False)
