"""What a search has found so far: the lowest validation loss after each trial, by its sampler.

A faint point is a trial, hollow if it was pruned. A thin line is the best so far of one search, a
thick one the mean over searches, geometric where every loss is positive, with its 95 % t interval
from six searches on, and with their range from three on. Dotted is what random search is expected
to find in so many of its trials, where none was pruned; it begins where not all of them can have
failed. Over updates, searches are compared at equal cost.
"""

from math import isfinite
from typing import Literal, TypedDict

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import FEWEST_SEEDS
from urnn_bench.analysis.trials import (
    averages,
    best_by_trial,
    best_by_updates,
    expected_best,
    is_positive,
)
from urnn_bench.figures._panels import add_legend, entries_of, panels
from urnn_bench.figures._search import (
    SAMPLERS,
    SamplerStyle,
    by_sampler,
    counted,
    draw_trials,
    searched,
    set_loss_axis,
    trials_of,
)
from urnn_bench.figures._style import Scale, axis_label, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.records.trials import FAILED, PRUNED
from urnn_bench.spec.types import Config

_PANEL_INCHES, _COLUMNS, _TALLER = 5.4, 2, 1.2
_X = {"trials": "number", "updates": "total_updates"}
_X_LABELS = {"trials": "trials", "updates": "updates of all trials so far"}
_CURVES = {"trials": best_by_trial, "updates": best_by_updates}
# equal curves are both visible, as both samplers may begin with the same trials
_WIDTHS = {look.name: width for look, width in zip(SAMPLERS.values(), (3.2, 1.4), strict=True)}
# the range of fewer searches says no more than their curves
_MIN_SEARCHES = 3


class _Steps(TypedDict):
    color: str
    drawstyle: Literal["steps-post"]


class SearchProgressOptions(Config):
    """The axes."""

    x: Literal["trials", "updates"] = Field("trials", description="how the cost is counted")
    scale: Scale = Field("log", description="of the vertical axis, where every loss is positive")


class SearchProgress(Figure):
    """The best validation loss so far over trials, or over updates."""

    Options = SearchProgressOptions
    options: SearchProgressOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every search of a benchmark, a panel for each model and length."""
        trials = trials_of(results)
        groups = list(searched(trials))
        drawing, axes = panels(len(groups), columns=_COLUMNS, width=_PANEL_INCHES)
        drawing.set_figheight(_TALLER * drawing.get_figheight())
        for ax, (title, own) in zip(axes, groups, strict=True):
            ax.set_title(title, fontsize=10)
            for look, of_sampler in by_sampler(own):
                self._draw_sampler(ax, of_sampler, look)
            ax.set_xlabel(_X_LABELS[self.options.x])
            ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            ax.set_ylabel(f"validation {axis_label(results.criterion)}")
        set_loss_axis(axes, trials["loss"], self.options.scale)
        for ax, (_, own) in zip(axes, groups, strict=True):
            _mark_failed(ax, own, _X[self.options.x])
        title = f"{escaped(results.heading)} ({counted(trials)}; {_key_of(trials)})"
        add_legend(drawing, entries_of(axes, ("(expected)", "failed")), title)
        return drawing

    def _draw_sampler(self, ax: Axes, trials: pd.DataFrame, look: SamplerStyle) -> None:
        draw_trials(ax, trials[_X[self.options.x]], trials, look)
        curves = _CURVES[self.options.x](trials)
        steps: _Steps = {"color": look.color, "drawstyle": "steps-post"}
        if len(curves.columns) > 1:
            for seed in curves:
                ax.plot(curves[seed].dropna(), lw=0.6, alpha=0.5, **steps)
        average = averages(curves)
        width = _WIDTHS[look.name]
        ax.plot(average["value"], lw=width, label=look.name, zorder=4, **steps)
        if len(curves.columns) >= _MIN_SEARCHES:
            bounds = (average.index, average["low"], average["high"])
            ax.fill_between(*bounds, color=look.color, alpha=0.15, lw=0, step="post")
        if look is SAMPLERS["random"] and self.options.x == "trials":
            _draw_expected(ax, trials, look)


def _draw_expected(ax: Axes, trials: pd.DataFrame, look: SamplerStyle) -> None:
    """Draw the expected best of k of all trials, of which a pruned one is no draw like others."""
    if (trials["state"] == PRUNED).any():
        return
    is_log = is_positive(trials)
    losses = np.log(trials["loss"]) if is_log else trials["loss"]
    known = [float(loss) for loss in losses.fillna(np.inf)]
    expected = {k: expected_best(known, k) for k in range(1, int(trials["number"].max()) + 1)}
    drawn = {k: v for k, v in expected.items() if isfinite(v)}
    heights = np.exp([*drawn.values()]) if is_log else [*drawn.values()]
    label = own_label(f"{look.name} (expected)")
    ax.plot([*drawn], heights, ":", color=look.color, lw=1.4, label=label, zorder=5)


def _mark_failed(ax: Axes, trials: pd.DataFrame, x: str) -> None:
    """Draw a cross at the upper end for every trial that failed, which has no loss."""
    failed = trials[trials["state"] == FAILED]
    for look, own in by_sampler(failed):
        top = [1.0] * len(own)
        label = own_label(f"{look.name}, failed")
        transform = ax.get_xaxis_transform()
        ax.plot(own[x], top, "x", color=look.color, transform=transform, clip_on=False, label=label)


def _key_of(trials: pd.DataFrame) -> str:
    """Return in words what points and lines are."""
    points = "points: trials"
    if (trials["state"] == PRUNED).any():
        points += ", hollow if pruned"
    searches = int(trials.groupby(["model", "T", "sampler"])["seed"].nunique().max())
    if searches == 1:
        return f"{points}; line: the best so far"
    mean = "geometric mean" if is_positive(trials) else "mean"
    return f"{points}; thick: {mean} of the best so far{_band(searches)}; thin: each search"


def _band(searches: int) -> str:
    """Return what surrounds the mean of so many searches."""
    if searches < _MIN_SEARCHES:
        return ""
    return " with its 95 % interval" if searches >= FEWEST_SEEDS else " in their range"
