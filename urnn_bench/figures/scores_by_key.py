"""Test score against a key of the grid: every seed a point, their mean with its 95 % interval.

One panel for each trained length. The mean of losses is geometric, as in a table, and fewer than
six seeds have their range instead of an interval. Models stand side by side at a value, so that
their intervals can be told apart. An interval that is much wider than all scores together leaves
the panel. Baselines that all models have at a value are dashed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import StrMethodFormatter
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.summary import Averaging, averaging
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._grid_keys import numbers_first, value_at, with_key, without_key
from urnn_bench.figures._intervals import seeds_and_bars
from urnn_bench.figures._key_axis import KeyAxis, KeyScale, key_axis, label_values
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
    mark_diverged,
    own_label,
)
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import DIVERGED, Record
from urnn_bench.spec.types import Config

# of a panel and its labels, and what it is higher than other panels
_PANEL_INCHES, _EXTRA_INCHES = 5.4, 0.9
# of the room between two values, what all models take together
_MODELS_SHARE = 0.6
# of the span of all scores, how far intervals may go beyond it
_BEYOND = 0.35


class ScoresByKeyOptions(Config):
    """Both axes."""

    key: str = Field(
        "optimizer.lr", description="key of the grid, such as optimizer.lr, task.KEY or model.KEY"
    )
    metric: str | None = Field(None, description="what is drawn; the loss if not given")
    label: str | None = Field(None, description="name of the key, with its unit, for the axis")
    x_scale: KeyScale = Field(
        "auto", description="auto is log if numbers span more than a decade, and even for text"
    )
    scale: Scale = Field("auto", description="of scores; auto is log if they span a factor of 30")


class ScoresByKey(Figure):
    """How the score of every model depends on one setting."""

    Options = ScoresByKeyOptions
    options: ScoresByKeyOptions

    def draw(self, results: Results) -> Drawing:
        """Draw all tested runs that have the key."""
        o, metric = self.options, self.options.metric or results.criterion
        scores = _scores(results, metric, o.key)
        _require_values(results, scores, o.key)
        axis = key_axis(sorted({*scores["value"]}, key=numbers_first), o.x_scale, o.key)
        styles = styles_of_one_panel({without_key(label, o.key) for label in results.models})
        lengths = sorted({record.run.T for record in results.records} & {*scores["T"]})
        drawing, axes = panels(len(lengths), columns=2, width=_PANEL_INCHES)
        drawing.set_figheight(drawing.get_figheight() + _EXTRA_INCHES)
        average = averaging(results, metric)
        for ax, T in zip(axes, lengths, strict=True):
            panel = scores[scores["T"] == T]
            _draw_models(ax, panel, styles, axis, average)
            _draw_baselines(ax, results.at([T]), metric, panel, axis)
            label_values(ax, axis, o.label or escaped(o.key))
            ax.set_title(f"T = {T:,}", fontsize=10)
        _scale_scores(axes, is_log=IS_LOG[o.scale](scores["score"]))
        for ax in axes[::2]:
            ax.set_ylabel(f"test {axis_label(metric)}")
        entries = entries_of(axes, ("diverged", "(baseline)"))
        add_legend(drawing, entries, _title(results, scores), _note(results, scores, o.key))
        return drawing


def _require_values(results: Results, scores: pd.DataFrame, key: str) -> None:
    """Raise NothingToShowError unless runs differ by the key."""
    if scores["value"].nunique() < 2:
        raise NothingToShowError(
            f"all runs of '{results.benchmark}' have one value of '{escaped(key)}'; name a key of "
            "its grid by the option 'key'"
        )


def _scores(results: Results, metric: str, key: str) -> pd.DataFrame:
    """Return a row for each tested run with its value of the key; raise NothingToShowError."""
    tested = [r for r in results.records if (r.test or {}).get(metric) is not None]
    if not tested:
        raise NothingToShowError(
            f"no run of '{results.benchmark}' has been tested yet with the metric '{metric}'"
        )
    return pd.DataFrame([_row(record, metric, key) for record in with_key(tested, key)])


def _row(record: Record, metric: str, key: str) -> dict[str, object]:
    run = record.run
    return {
        "label": run.label,
        "model": without_key(run.label, key),
        "T": run.T,
        "seed": run.seed,
        "value": value_at(record, key),
        "score": (record.test or {})[metric],
        "diverged": record.status == DIVERGED,
    }


def _draw_models(
    ax: Axes,
    panel: pd.DataFrame,
    styles: Mapping[str, ModelStyle],
    axis: KeyAxis,
    average: Averaging,
) -> None:
    """Draw every model, each with a shift of its own."""
    models = list(dict.fromkeys(panel["model"]))
    each = _MODELS_SHARE * axis.gap / len(models)
    for number, model in enumerate(models):
        own = panel[panel["model"] == model]
        x = own["value"].map(axis.places) + each * (number - (len(models) - 1) / 2)
        _draw_model(ax, model, styles[model], own.assign(x=x), average)


def _draw_model(
    ax: Axes, model: str, style: ModelStyle, runs: pd.DataFrame, average: Averaging
) -> None:
    color, marker = style
    ax.plot(runs["x"], runs["score"], marker, color=color, alpha=0.5, ms=3, mew=0)
    diverged = runs[runs["diverged"]]
    if len(diverged):
        mark_diverged(ax, diverged["x"].tolist(), diverged["score"].tolist(), color)
    means = {
        x: average(runs.loc[runs["x"] == x, "score"].tolist())
        for x in sorted({*runs["x"].tolist()})
    }
    heights = [interval.value for interval in means.values()]
    ax.plot([*means], heights, color=color, marker=marker, lw=1.2, label=escaped(model))
    # one seed has no interval
    lows, highs = ([getattr(i, end) for i in means.values()] for end in ("low", "high"))
    ax.vlines([*means], lows, highs, color=color, lw=1.0)


def _draw_baselines(
    ax: Axes, results: Results, metric: str, panel: pd.DataFrame, axis: KeyAxis
) -> None:
    """Draw what all models have at a value."""
    T = results.records[0].run.T
    found = {
        place: _baselines(results, metric, panel[panel["value"] == value], T)
        for value, place in axis.places.items()
    }
    names = dict.fromkeys(name for values in found.values() for name in values)
    for name, dashes in zip(names, BASELINE_DASHES, strict=False):
        heights = [values.get(name, nan) for values in found.values()]
        # to the ends of the axis, also if there is one value
        x = [axis.ends[0], *found, axis.ends[1]]
        y = [heights[0], *heights, heights[-1]]
        ax.plot(x, y, linestyle=dashes, label=own_label(f"{name} (baseline)"), **BASELINE)


def _baselines(results: Results, metric: str, runs: pd.DataFrame, T: int) -> Mapping[str, float]:
    """Return the baselines that runs of one length have in common."""
    labels = {*runs["label"]}
    same = tuple(record for record in results.records if record.run.label in labels)
    return replace(results, records=same).baselines(metric, T)


def _scale_scores(axes: Sequence[Axes], *, is_log: bool) -> None:
    """Give panels the same axis of scores, which no interval makes much longer."""
    for ax in axes if is_log else ():
        ax.set_yscale("log")
        # not 2 × 10⁰
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    heights = np.concatenate([line.get_ydata() for ax in axes for line in ax.lines]).tolist()
    shown = [y for y in heights if isfinite(y) and (y > 0 or not is_log)]
    low, high = min(shown), max(shown)
    room = (high / low) ** _BEYOND if is_log else _BEYOND * (high - low)
    least, most = (low / room, high * room) if is_log else (low - room, high + room)
    limits = [ax.get_ylim() for ax in axes]
    for ax in axes:
        bottom, top = min(low for low, _ in limits), max(high for _, high in limits)
        # of equal scores, matplotlib's own limits
        ax.set_ylim((max(bottom, least), min(top, most)) if high > low else (bottom, top))


def _title(results: Results, scores: pd.DataFrame) -> str:
    beside = "; models stand side by side" if scores["model"].nunique() > 1 else ""
    return f"{escaped(results.heading)} ({seeds_and_bars(scores, 'value')}{beside})"


def _note(results: Results, scores: pd.DataFrame, key: str) -> str:
    """Return which models are not shown."""
    has_key = {record.run.label for record in with_key(results.records, key)}

    def reason_of(model: str) -> str:
        return "not tested" if model in has_key else f"has no {key}"

    return not_shown(results, scores["label"].unique(), reason_of)
