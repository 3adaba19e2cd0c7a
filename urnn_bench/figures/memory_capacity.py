"""The linear memory capacity: how well each model recalls the input of k steps ago, and the sum.

On the left is MC_k over the lag k, thick the median over seeds and thin each seed. On the right is
the sum of MC_k, a dot for each seed and a line at their median. The dashed line is the most that
the model's states allow, as many as they have real numbers, unless it is far beyond all sums. All
are as the probe of this name read them, at the last update at which a model was probed.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._fitting import fitted
from urnn_bench.figures._looks import ModelStyle, curve_dashes
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import (
    at_length,
    draw_seeds,
    every_marker,
    legend,
    panels,
    probe_length_note,
    seeds_note,
)
from urnn_bench.figures._readings import at_last_update, not_shown, probed, updates_of
from urnn_bench.figures._style import BASELINE, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.records.metrics import PROBE
from urnn_bench.spec.types import Config

_PROBE = "memory_capacity"
_TOTAL, _BOUND = f"{_PROBE}_total", f"{_PROBE}_bound"
_MC_LIMITS = (-0.03, 1.05)
_BOUND_NAME = "most that the states allow"
# bounds up to so many times the largest sum are drawn: others would leave no room for the sums
_BOUND_VIEW = 8
# of a model's row, half the height of its lines, and the room above and below the rows
_HALF, _MARGIN = 0.35, 0.6
# rows for which a panel has room, and the height of another one
_MAX_ROWS, _ROW_INCHES = 10, 0.24
# what a model's name may take
_NAME_INCHES, _NAME_LINES = 1.2, 2


class MemoryCapacityOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class MemoryCapacity(Figure):
    """MC_k over k, and their sum for every model."""

    Options = MemoryCapacityOptions
    options: MemoryCapacityOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed model, at the last update that it was probed."""
        readings, T = at_length(probed(results, _PROBE), self.options.T)
        frame = at_last_update(readings)
        numbers = _numbers(results.metrics, frame)
        styles = styles_of_one_panel(results.models)
        models = {str(model): own for model, own in frame.groupby("model", sort=False)}
        drawing, (lags, sums) = _panels(len(models))
        for place, (model, own) in enumerate(models.items()):
            _draw_by_lag(lags, model, own, styles)
            _draw_sums(sums, place, numbers[numbers["model"] == model], styles[model])
        _label_lags(lags)
        _label_sums(sums, [*models])
        _draw_bounds(sums, [numbers[numbers["model"] == model] for model in models])
        title = f"trained at {T} for {updates_of(frame)} updates{probe_length_note(frame)}"
        title = f"{escaped(results.heading)}: {title} ({seeds_note(frame)})"
        note = not_shown(results, frame["model"], lambda _: "not probed")
        legend(drawing, [lags, sums], title, note)
        return drawing


def _panels(models: int) -> tuple[Drawing, list[Axes]]:
    """Return a drawing of two panels, high enough for a row for each model."""
    drawing, axes = panels(2, width=3.6)
    extra_inches = _ROW_INCHES * max(0, models - _MAX_ROWS)
    drawing.set_figheight(drawing.get_figheight() + extra_inches)
    return drawing, axes


def _numbers(metrics: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return sums and bounds of the runs and updates of some readings."""
    of_probes = metrics[metrics["split"] == PROBE]
    shown = frame[["run", "step"]].drop_duplicates()
    return of_probes[of_probes["metric"].isin([_TOTAL, _BOUND])].merge(shown, on=["run", "step"])


def _draw_by_lag(
    ax: Axes, model: str, frame: pd.DataFrame, styles: Mapping[str, ModelStyle]
) -> None:
    """Draw MC_k of every seed thin and their median thick; a reading at t is that of the lag t."""
    known = frame.dropna(subset="value")
    if known.empty:
        return
    curves = known.pivot_table(index="t", columns="run", values="value")
    color, median = styles[model].color, curves.median(axis=1)
    draw_seeds(ax, curves, color)
    ax.plot(
        median.index,
        median,
        color=color,
        lw=1.8,
        label=escaped(model),
        ls=curve_dashes(styles)[model],
        marker=styles[model].marker,
        markevery=every_marker(len(median)),
    )


def _draw_sums(ax: Axes, place: int, numbers: pd.DataFrame, style: ModelStyle) -> None:
    """Draw a dot for every seed and a line at their median, in a model's row."""
    sums = numbers.loc[numbers["metric"] == _TOTAL, "value"].dropna()
    ax.plot(sums, [place] * len(sums), style.marker, color=style.color, ls="none", alpha=0.6)
    ax.plot([sums.median()] * 2, _row(place), color=style.color, lw=1.8)


def _row_name(model: str) -> str:
    """Return a model's name, or as much of it as a row has room for; the legend has all of it."""
    lines = fitted(escaped(model), _NAME_INCHES, float(rcParams["font.size"])).split("\n")
    return "\n".join(lines if len(lines) <= _NAME_LINES else [*lines[: _NAME_LINES - 1], "…"])


def _draw_bounds(ax: Axes, rows: Sequence[pd.DataFrame]) -> None:
    """Draw the bound of every row that is not far beyond the largest sum of all."""
    sums = pd.concat(rows)
    most = _BOUND_VIEW * sums.loc[sums["metric"] == _TOTAL, "value"].max()
    for place, numbers in enumerate(rows):
        bounds = numbers.loc[numbers["metric"] == _BOUND, "value"]
        for bound in bounds[bounds <= most].unique():
            ax.plot([bound] * 2, _row(place), ls="--", label=own_label(_BOUND_NAME), **BASELINE)
    ax.set_xlim(left=0)


def _row(place: int) -> list[float]:
    return [place - _HALF, place + _HALF]


def _label_lags(ax: Axes) -> None:
    ax.set_ylim(*_MC_LIMITS)
    ax.set_xlabel("lag k (steps)")
    ax.set_ylabel("MC of a lag")


def _label_sums(ax: Axes, models: Sequence[str]) -> None:
    ax.set_yticks(range(len(models)), [_row_name(model) for model in models])
    # the first model on top
    ax.set_ylim(len(models) - 1 + _MARGIN, -_MARGIN)
    ax.set_xlabel("memory capacity (sum over lags)")
