"""Learning curves, one panel a length: every seed thin, the median over seeds thick.

The layout of Figures 1 and 2 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, with the
memoryless baseline dashed. The loss axis is logarithmic where its values span a factor of 30.
"""

from math import inf
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._read_off import READ_OFF, Point, stars
from urnn_bench.figures._style import (
    BASELINE,
    BASELINE_DASHES,
    DIVERGED,
    columns,
    label,
    plain,
    style_of,
    wide,
)
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_MARKERS = 8
_COLUMNS = 4
_NARROWEST = 5.6  # inches, of a single panel under its legend
_ROOM = 1.04  # above the highest value, for half a marker
_COLUMN = {"updates": "step", "examples": "examples"}
_THOUSANDS_FROM = 5000
_UNDER_WAY = ("running", "interrupted")


class LearningCurvesOptions(Config):
    """What stands on the axes."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    split: Literal["validation", "train"] = Field("validation", description="on which data")
    x: Literal["examples", "updates"] = Field("examples", description="how training is counted")
    scale: Literal["auto", "log", "linear"] = Field("auto", description="of the vertical axis")
    top: float | None = Field(
        None, gt=0, description="upper end of a linear axis, as a multiple of the first baseline"
    )
    paper: dict[str, dict[int, list[Point]]] = Field(
        {}, description="points [x, value] read off a paper's curve, by model and length"
    )


class LearningCurves(Figure):
    """The loss over training for every model, length by length."""

    Options = LearningCurvesOptions

    def draw(self, results: Results) -> Drawing:
        """Draw all runs of a benchmark."""
        metric = self.options.metric or results.criterion
        frame = results.metrics.query("split == @self.options.split and metric == @metric")
        if frame.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has recorded '{metric}'")
        lengths = sorted(frame["T"].unique())
        across = min(len(lengths), _COLUMNS)
        rows = -(-len(lengths) // across)
        drawing = Drawing(figsize=(max(_NARROWEST, 1.2 + 2.9 * across), 0.9 + 2.5 * rows))
        panels = drawing.subplots(rows, across, squeeze=False)
        for ax in panels.flat[len(lengths) :]:
            ax.set_visible(False)
        for ax, T in zip(panels.flat, lengths, strict=False):
            self._panel(ax, frame[frame["T"] == T], results, metric, int(T))
            self._horizontal(ax, frame)
        for ax in panels[:, 0]:
            ax.set_ylabel(f"{self.options.split} {label(metric)}")
        self._legend(drawing, panels.flat[: len(lengths)], results)
        return drawing

    def _panel(self, ax: Axes, frame: pd.DataFrame, results: Results, metric: str, T: int) -> None:
        ax.set_title(f"T = {T:,}", fontsize=10)
        x = _COLUMN[self.options.x]
        first = next(iter(results.baselines(metric, T).values()), None)
        top = self.options.top * first if self.options.top and first else None
        for model, runs in frame.groupby("model", sort=False):
            curves = runs.pivot_table(index=x, columns="run", values="value")
            of = results.runs[(results.runs["T"] == T) & (results.runs["model"] == model)]
            _curves(ax, curves, _middle(curves, of, metric == results.criterion), str(model))
            _ends(ax, curves, of, str(model), top)
            self._paper(ax, str(model), T, curves.index.max())
        for (name, value), dashes in zip(
            results.baselines(metric, T).items(), BASELINE_DASHES, strict=False
        ):
            ax.axhline(value, linestyle=dashes, label=f"{name} (baseline)", **BASELINE)
        _scale(ax, frame["value"], self.options.scale)
        if top:
            ax.set_ylim(top=top)

    def _paper(self, ax: Axes, model: str, T: int, end: float) -> None:
        """Draw the paper's points as far as these curves go."""
        points = [p for p in self.options.paper.get(model, {}).get(T, []) if p[0] <= end]
        stars(ax, model, points)

    def _horizontal(self, ax: Axes, frame: pd.DataFrame) -> None:
        """Count in thousands where the numbers would be long."""
        thousands = frame[_COLUMN[self.options.x]].max() >= _THOUSANDS_FROM
        what = {"updates": "updates", "examples": "training examples"}[self.options.x]
        ax.set_xlabel(what + (" (thousands)" if thousands else ""))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        if thousands:
            ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}")

    def _legend(self, drawing: Drawing, panels: Any, results: Results) -> None:
        entries: dict[Any, Any] = {}
        for ax in panels:
            handles, names = ax.get_legend_handles_labels()
            entries.update(zip(names, handles, strict=True))
        seeds = results.runs.groupby(["model", "T"])["seed"].nunique()
        low, high = seeds.min(), seeds.max()
        count = f"{high}" if low == high else f"{low} to {high}"
        held = ", held once solved" if "solved" in set(results.runs["status"]) else ""
        note = f"thick: median of {count} seeds{held}; thin: each" if high > 1 else "one seed"
        # models first, whatever the first panel lacks
        names = sorted(entries, key=lambda name: name.endswith(("(baseline)", READ_OFF)))
        drawing.legend(
            [entries[n] for n in names],
            names,
            loc="outside upper center",
            ncols=columns(drawing, names),
            title=f"{plain(results.benchmark)} ({note})",
            title_fontsize=8,
        )


def _curves(ax: Axes, curves: pd.DataFrame, middle: "pd.Series[float]", model: str) -> None:
    color, marker = style_of(model)
    if curves.shape[1] > 1:
        ax.plot(curves.index, curves.to_numpy(), color=color, linewidth=0.6, alpha=0.45)
    every = max(1, len(middle) // _MARKERS)
    ax.plot(
        middle.index,
        middle,
        color=color,
        marker=marker,
        markevery=every,
        linewidth=1.8,
        label=plain(model),
    )


def _middle(curves: pd.DataFrame, runs: pd.DataFrame, loss: bool) -> "pd.Series[float]":
    """Return the median over the seeds that have ended, or over all that are under way.

    A seed that stopped as it had solved its task keeps its last score, and the loss of one that
    diverged is infinite: a median over those that are left would turn to the worst or the best of
    them. The line ends with a seed that was lost otherwise.
    """
    state = runs.set_index("run")["status"]
    ended = state[~state.isin(_UNDER_WAY)].index
    held = curves.reindex(columns=ended if len(ended) else curves.columns)
    for run in held.columns[held.notna().any()]:
        after = held.index > held[run].last_valid_index()
        if state[run] == "solved":
            held.loc[after, run] = held[run].dropna().iloc[-1]
        if state[run] == "diverged" and loss:
            held.loc[after, run] = inf
    middle = held.dropna().median(axis=1)
    return middle[middle < inf]


def _ends(
    ax: Axes, curves: pd.DataFrame, runs: pd.DataFrame, model: str, top: float | None
) -> None:
    """Mark the last score of a diverged run, so that it is not read as a short one."""
    diverged = set(runs[runs["status"] == "diverged"]["run"])
    for run in sorted(diverged.intersection(curves.columns)):
        last = curves[run].dropna()
        height = min(last.iloc[-1], top or inf)
        ax.plot(
            last.index[-1],
            height,
            "x",
            **DIVERGED,
            color=style_of(model).color,
            label="diverged",
            clip_on=False,
        )


def _scale(ax: Axes, values: "pd.Series[float]", scale: str) -> None:
    if scale == "log" or (scale == "auto" and wide(values)):
        ax.set_yscale("log")
    else:
        ax.set_ylim(0, _ROOM * ax.get_ylim()[1])
