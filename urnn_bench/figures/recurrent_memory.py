"""Test score against memory: the bytes that a step in time reads as recurrent weights.

One panel for each length. Every seed is a faint point; the mean over seeds has its 95 % t interval,
or the range of fewer than six seeds, and is geometric for the loss. The vertical axis is that of
the scores; a memoryless baseline is dashed if it is near them, and else named with its score. What
surrounds the recurrence, such as input projections and the readout, is not counted.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.summary import Averaging, averaging
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._intervals import seeds_and_bars
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import add_legend, entries_of, panels
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

_PANEL_INCHES, _PANEL_OF_ONE_INCHES, _COLUMNS = 4.2, 6.4, 2
# what is free on both sides, so that every axis has a number
_MARGIN = 1.8
# numbers of every power of ten, on an axis that has room for them
_STEPS, _WIDE = (1.0, 2.0, 5.0), 1e3
_BASELINE = "(baseline)"


class RecurrentMemoryOptions(Config):
    """The vertical axis."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    scale: Scale = Field("auto", description="of the vertical axis")


class RecurrentMemory(Figure):
    """What a model scores for the memory that its recurrence reads."""

    Options = RecurrentMemoryOptions
    options: RecurrentMemoryOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every tested run whose recurrent weights are counted."""
        metric = self.options.metric or results.criterion
        frame = _counted(results, metric)
        lengths = sorted(int(T) for T in frame["T"].unique())
        width = _PANEL_OF_ONE_INCHES if len(lengths) == 1 else _PANEL_INCHES
        drawing, axes = panels(len(lengths), columns=_COLUMNS, width=width)
        is_log = IS_LOG[self.options.scale](frame["value"])
        far = []
        for ax, T in zip(axes, lengths, strict=True):
            ax.set_yscale("log" if is_log else "linear")
            _panel(ax, frame[frame["T"] == T], results, metric)
            far += _draw_baselines(ax, results.baselines(metric, T))
            _set_size_axis(ax, frame["kB"])
            ax.set_title(f"T = {T:,}", fontsize=10)
        _share_limits(axes)
        axes[0].set_ylabel(f"test {axis_label(metric)}")
        note = not_shown(results, frame["model"].unique(), _reasons(results))
        note = "; ".join(filter(None, (*dict.fromkeys(far), note)))
        title = f"{escaped(results.heading)} ({seeds_and_bars(frame)}; open: mean)"
        add_legend(drawing, entries_of(axes, (_BASELINE,)), title, note)
        return drawing


def _counted(results: Results, metric: str) -> pd.DataFrame:
    """Return the scores at the lengths of training with "kB"; raise NothingToShowError if none."""
    scores = results.scores
    scores = scores[(scores["metric"] == metric) & (scores["length"] == scores["T"])]
    if scores.empty:
        raise NothingToShowError(f"no run of '{results.benchmark}' has been tested yet")
    sizes = results.runs.set_index("run")["recurrent_bytes"].astype(float) / 1000
    frame = scores.assign(kB=scores["run"].map(sizes))
    # a size of zero has no logarithm
    frame = frame[frame["kB"] > 0]
    if frame.empty:
        raise NothingToShowError(
            f"no tested run of '{results.benchmark}' has recurrent weights in its record; an "
            "earlier version did not count them, so train such runs again"
        )
    return frame


def _panel(ax: Axes, frame: pd.DataFrame, results: Results, metric: str) -> None:
    """Draw the runs of one length."""
    styles, average = styles_of_one_panel(results.models), averaging(results, metric)
    for model, scores in frame.groupby("model", sort=False):
        _draw_model(ax, str(model), styles[str(model)], scores, average)


def _draw_baselines(ax: Axes, baselines: Mapping[str, float]) -> list[str]:
    """Draw the baselines near the scores; return what names the others, which would hide them."""
    low, high = map(ax.transData.transform, ((1, y) for y in ax.get_ylim()))
    near, far = high[1] - low[1], []
    for (name, height), dashes in zip(baselines.items(), BASELINE_DASHES, strict=False):
        at = ax.transData.transform((1, height))[1]
        if low[1] - near < at < high[1] + near:
            label = own_label(f"{name} {_BASELINE}")
            ax.axhline(height, linestyle=dashes, zorder=1, label=label, **BASELINE)
        else:
            far.append(f"baseline, {escaped(name)}: {height:.3g}")
    return far


def _share_limits(axes: Sequence[Axes]) -> None:
    """Give panels the same axis of scores."""
    limits = [ax.get_ylim() for ax in axes]
    for ax in axes:
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def _draw_model(
    ax: Axes, model: str, style: ModelStyle, scores: pd.DataFrame, average_of: Averaging
) -> None:
    color, marker = style
    # above the mean, which would hide them
    points = (scores["kB"], scores["value"])
    ax.plot(*points, linestyle="", color=color, marker=marker, alpha=0.35, zorder=4)
    average = average_of([float(v) for v in scores["value"]])
    ax.errorbar(
        # seeds of a model have one size, unless an option of theirs says otherwise
        [scores["kB"].median()],
        [average.value],
        yerr=[[average.value - average.low], [average.high - average.value]],
        color=color,
        marker=marker,
        markersize=8,
        markerfacecolor="white",
        capsize=3,
        label=escaped(model),
    )


def _set_size_axis(ax: Axes, sizes: "pd.Series[float]") -> None:
    """Make the horizontal axis logarithmic, from the smallest size to the largest."""
    ax.set_xscale("log")
    low, high = sizes.min() / _MARGIN, sizes.max() * _MARGIN
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(LogLocator(subs=_STEPS if high / low < _WIDE else (1.0,)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("recurrent weights (kB)")


def _reasons(results: Results) -> Callable[[str], str]:
    """Return what says why a model is not shown."""
    sizes = results.runs.groupby("model")["recurrent_bytes"].max()

    def reason_of(model: str) -> str:
        if pd.isna(sizes[model]):
            return "recurrent weights not counted"
        return "not tested" if sizes[model] else "no recurrent weights"

    return reason_of
