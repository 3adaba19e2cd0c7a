"""The loss of every trial against each axis of a search: where the good values are.

A panel for each axis, over the trials in which it is active. A point is a trial, hollow if it was
pruned. The line is the median of complete trials at each value, or in parts of equally many trials
where there are many values.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.trials import axes_of, complete, scale_of, values_of
from urnn_bench.figures._fitting import distinct_names, shortened
from urnn_bench.figures._panels import add_legend, entries_of, panels
from urnn_bench.figures._search import (
    SAMPLERS,
    by_sampler,
    counted,
    draw_trials,
    searched,
    set_loss_axis,
    short_names,
    trials_of,
)
from urnn_bench.figures._style import Scale, axis_label, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.records.trials import PRUNED
from urnn_bench.spec.types import Config

# more different values are put into so many parts
_MAX_VALUES, _PARTS = 8, 6
# how far the points of the samplers are beside the place of a word
_BESIDE = 0.14
# of all words of an axis, side by side
_MOST_LETTERS, _LONGEST_WORD = 22, 17
_MEDIAN = "median of complete trials"


class SearchAxesOptions(Config):
    """The vertical axis."""

    scale: Scale = Field("log", description="of the vertical axis, where every loss is positive")


class SearchAxes(Figure):
    """Validation loss against every axis."""

    Options = SearchAxesOptions
    options: SearchAxesOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every search of a benchmark, a panel for each axis."""
        trials = trials_of(results)
        groups = [(title, own, axis) for title, own in searched(trials) for axis in axes_of(own)]
        names = short_names(axes_of(trials))
        drawing, axes = panels(len(groups))
        for ax, (title, own, axis) in zip(axes, groups, strict=True):
            ax.set_title(title, fontsize=10)
            _draw_axis(ax, own, axis)
            ax.set_xlabel(shortened(names[axis], 40))
        for ax in axes[::4]:
            ax.set_ylabel(f"validation {axis_label(results.criterion)}")
        set_loss_axis(axes, trials["loss"], self.options.scale)
        title = f"{escaped(results.heading)} ({counted(trials)}{_pruned_note(trials)})"
        add_legend(drawing, entries_of(axes, (_MEDIAN,)), title)
        return drawing


def _draw_axis(ax: Axes, trials: pd.DataFrame, axis: str) -> None:
    """Draw the trials in which an axis is active."""
    values = values_of(trials, axis)
    scale = scale_of(values)
    words = sorted({str(value) for value in values}) if scale == "words" else []
    places = values.map(lambda value: float(words.index(str(value)) if words else value))
    active = trials.loc[values.index].assign(place=places)
    for look, own in by_sampler(active):
        beside = _BESIDE * (1 if look is SAMPLERS["random"] else -1) if words else 0.0
        draw_trials(ax, own["place"] + beside, own, look)
        ax.plot([], [], look.marker, color=look.color, label=look.name)
    _draw_medians(ax, complete(active), is_of_words=bool(words))
    if words:
        _name_words(ax, words)
    elif scale == "log":
        ax.set_xscale("log")
    elif all(place.is_integer() for place in places):
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _draw_medians(ax: Axes, trials: pd.DataFrame, *, is_of_words: bool) -> None:
    """Draw the median loss of complete trials over an axis; of words without a line between."""
    medians = _medians(trials)
    look = {"marker": "_", "markersize": 16, "lw": 0} if is_of_words else {"lw": 1.6}
    ax.plot(medians, color="0.15", zorder=5, label=own_label(_MEDIAN), **look)


def _medians(trials: pd.DataFrame) -> "pd.Series[float]":
    """Return the median loss at every value, or by the middle of parts if there are many values."""
    if trials["place"].nunique() <= _MAX_VALUES:
        return trials.groupby("place")["loss"].median()
    part = pd.qcut(trials["place"], _PARTS, labels=False, duplicates="drop")
    return trials.groupby(part)[["place", "loss"]].median().set_index("place")["loss"]


def _name_words(ax: Axes, words: Sequence[str]) -> None:
    names = distinct_names(words, _LONGEST_WORD)
    is_long = sum(map(len, names)) > _MOST_LETTERS
    rotation, align = (30, "right") if is_long else (0, "center")
    ax.set_xticks(range(len(names)), names, rotation=rotation, ha=align)
    ax.set_xlim(-0.5, len(names) - 0.5)


def _pruned_note(trials: pd.DataFrame) -> str:
    return ", hollow if pruned" if (trials["state"] == PRUNED).any() else ""
