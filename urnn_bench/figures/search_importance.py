"""Which axes of a search matter: the share of the loss's variance that each explains by itself.

fANOVA of every search by itself, of its complete trials. A bar is the mean over searches, a point
one search. A conditional axis is judged by the trials in which it is active. Where pruning leaves
few complete trials, ``rung: first`` takes all, after the updates of the first rung.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.importance import importance
from urnn_bench.analysis.results import Results
from urnn_bench.analysis.trials import at_first_rung, axes_of, complete, is_positive, values_of
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import distinct_names
from urnn_bench.figures._panels import add_legend, entries_of
from urnn_bench.figures._search import (
    SAMPLERS,
    SamplerStyle,
    counted,
    searched,
    short_names,
    trials_of,
)
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_WIDTH_INCHES, _BAR_INCHES, _AROUND_INCHES = 6.4, 0.21, 0.9
_GROUP = 0.8
# of fewer trials a forest learns little
_FEW_TRIALS = 10


class SearchImportanceOptions(Config):
    """Which losses are explained, and by what."""

    rung: Literal["first", "last"] = Field(
        "last", description="after which updates: those of the first rung, or of complete trials"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of the random forest")


class SearchImportance(Figure):
    """How much of the loss each axis decides."""

    Options = SearchImportanceOptions
    options: SearchImportanceOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every search of a benchmark, a panel for each model and length."""
        trials = trials_of(results)
        chosen = {"first": at_first_rung, "last": complete}[self.options.rung]
        known = {title: chosen(own) for title, own in searched(trials)}
        found = {title: self._shares(own) for title, own in known.items()}
        found = {title: shares for title, shares in found.items() if shares.shape[1] > 1}
        if not found:
            raise NothingToShowError(
                f"no search of '{results.benchmark}' has complete trials with different values "
                "and losses, which importance needs; a search goes on with more --trials"
            )
        drawing, axes = _panels(found)
        for ax, (title, shares) in zip(axes, found.items(), strict=True):
            ax.set_title(title, fontsize=10)
            _draw_panel(ax, shares, known[title])
            log = "log " * is_positive(trials)
            ax.set_xlabel(f"share of the variance of {log}loss that the axis explains by itself")
        axes[0].set_ylabel("axis")
        used = pd.concat([known[title] for title in found])
        title = f"{escaped(results.heading)} ({_WHICH[self.options.rung](used)}{_key_of(used)})"
        add_legend(drawing, entries_of(axes, ()), title, _not_shown(used, found))
        return drawing

    def _shares(self, trials: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each search of two complete trials or more: sampler, and its shares."""
        rows: list[dict[str, object]] = [
            {"sampler": sampler, **importance(own, self.options.seed)}
            for (sampler, _), own in trials.groupby(["sampler", "seed"])
            if len(own) > 1
        ]
        return pd.DataFrame(rows)


def _panels(found: Mapping[str, pd.DataFrame]) -> tuple[Drawing, Sequence[Axes]]:
    """Return a drawing with a panel below the other, as high as its bars need."""
    heights = [_AROUND_INCHES + _BAR_INCHES * _bars(shares) for shares in found.values()]
    drawing = Drawing(figsize=(_WIDTH_INCHES, 0.9 + sum(heights)))
    panels = drawing.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return drawing, list(panels.flat)


def _bars(shares: pd.DataFrame) -> int:
    samplers = shares["sampler"].nunique()
    return (shares.shape[1] - 1) * max(2, samplers)


def _draw_panel(ax: Axes, shares: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Draw the bars of every axis, the most important axis first."""
    averages = shares.groupby("sampler").mean()
    axes = list(averages.mean().sort_values(ascending=False, kind="stable").index)
    looks = {name: look for name, look in SAMPLERS.items() if name in averages.index}
    height = _GROUP / len(looks)
    for number, (name, look) in enumerate(looks.items()):
        offset = (number - (len(looks) - 1) / 2) * height
        places = [place + offset for place in range(len(axes))]
        _draw_bars(ax, places, height, shares[shares["sampler"] == name][axes], look)
    ax.set_yticks(range(len(axes)), _axis_names(axes, trials))
    ax.set_ylim(len(axes) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.grid(visible=False, axis="y")


def _axis_names(axes: Sequence[str], trials: pd.DataFrame) -> list[str]:
    """Return short names, and of conditional axes that they are."""
    names = distinct_names(short_names(axes).values())
    conditional = {axis for axis in axes if len(values_of(trials, axis)) < len(trials)}
    pairs = zip(axes, names, strict=True)
    return [f"{name}\nwhere active" if axis in conditional else name for axis, name in pairs]


def _draw_bars(
    ax: Axes, places: Sequence[float], height: float, shares: pd.DataFrame, look: SamplerStyle
) -> None:
    ax.barh(places, shares.mean(), 0.9 * height, color=look.color, alpha=0.45, label=look.name)
    if len(shares) == 1:
        return
    for _, row in shares.iterrows():
        points = (row, places, look.marker)
        ax.plot(*points, color=look.color, markersize=3, alpha=0.8, lw=0, clip_on=False)


def _not_shown(trials: pd.DataFrame, found: Mapping[str, pd.DataFrame]) -> str:
    """Return which axes have no importance in any search."""
    shown = {str(axis) for shares in found.values() for axis in shares}
    lacking = [axis for axis in axes_of(trials) if axis not in shown]
    names = ", ".join(distinct_names(short_names(lacking).values()))
    return f"not shown, as their trials have one value or one loss: {names}" if lacking else ""


def _of_first_rung(trials: pd.DataFrame) -> str:
    steps = sorted(int(step) for step in trials["first_updates"].unique())
    return f"after {' or '.join(f'{step:,}' for step in steps)} updates, {counted(trials)}"


_WHICH: Mapping[str, Callable[[pd.DataFrame], str]] = {
    "first": _of_first_rung,
    "last": lambda trials: f"of complete trials alone, {counted(trials)}",
}


def _key_of(trials: pd.DataFrame) -> str:
    sizes = trials.groupby(["model", "T", "sampler", "seed"]).size()
    points = "; bar: mean over searches, points: each search" if len(sizes) > 1 else ""
    few = "; too few trials to rely on" if sizes.min() < _FEW_TRIALS else ""
    return f"{points}{few}"
