"""How soon it is solved: the share of seeds that have not solved the task yet, over updates.

Kaplan-Meier curves, one panel for each length. A seed that stopped unsolved is censored and marked
|; it is neither infinite nor missing. A seed that diverged counts as stopped at its last planned
update.
"""

from bisect import bisect_right
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import survival
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._log_axis import number_log_axis
from urnn_bench.figures._looks import ModelStyle, curve_dashes, styles_of
from urnn_bench.figures._multiples import of_models, without_models
from urnn_bench.figures._panels import (
    PANEL_INCHES,
    add_legend,
    ended,
    entries_of,
    every_marker,
    panels,
)
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure

# every curve is thicker than the next one, drawn above it, so that equal curves are all visible
_MIN_WIDTH, _MAX_WIDTH = 1.4, 6.0


class TimeToSolve(Figure):
    """Survival curves of not having solved the task."""

    def draw(self, results: Results) -> Drawing:
        """Draw every length of a benchmark at which a seed has solved it."""
        runs = ended(results)
        solved = runs[runs["solved_step"].notna()]
        lengths = sorted(int(T) for T in solved["T"].unique())
        if not lengths:
            raise NothingToShowError(f"no run of '{results.benchmark}' has solved its task yet")
        parts = of_models(results, ((T, runs[runs["T"] == T]) for T in lengths))
        drawing, axes = panels(len(parts))
        styles = styles_of(results.models)
        for ax, panel in zip(axes, parts, strict=True):
            groups = panel.frame.groupby("model", sort=False)
            for index, (model, model_runs) in enumerate(groups):
                share = 1 - (index + 1) / len(groups)
                width = _MIN_WIDTH + share * (_MAX_WIDTH - _MIN_WIDTH)
                _draw_model(ax, str(model), styles, model_runs, width)
            panel.set_title(ax, f"T = {panel.key:,}", PANEL_INCHES)
            ax.set_xlabel("updates")
            _scale_x(ax)
            ax.set_ylim(-0.05, 1.05)
        axes[0].set_ylabel("share of seeds not solved yet")
        shown = runs[runs["T"].isin(lengths)]["model"]
        note = not_shown(results, shown, lambda _: "no run of these lengths has ended")
        entries = without_models(entries_of(axes, ()), parts)
        add_legend(drawing, entries, f"{escaped(results.heading)} (|: stopped unsolved)", note)
        return drawing


def _scale_x(ax: Axes) -> None:
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    number_log_axis(ax.xaxis, high / low)


def _draw_model(
    ax: Axes, model: str, styles: Mapping[str, ModelStyle], runs: pd.DataFrame, width: float
) -> None:
    color = styles[model].color
    steps = [None if pd.isna(s) else float(s) for s in runs["solved_step"]]
    curve = survival(steps, [float(s) for s in runs["censored"]])
    end = float(runs["censored"].max())
    # the axis is logarithmic, so a seed that was solved at the start is drawn at one update
    times = [1.0, *(max(1.0, time) for time in curve.times), end]
    shares = [1.0, *curve.unsolved]
    heights = [*shares, shares[-1]]
    ax.step(
        times,
        heights,
        where="post",
        color=color,
        lw=width,
        label=escaped(model),
        ls=curve_dashes(styles)[model],
        marker=styles[model].marker,
        markevery=every_marker(len(times)),
        solid_capstyle="butt",
    )
    stopped = runs[runs["solved_step"].isna()]["censored"]
    marks = [heights[bisect_right(times, float(step)) - 1] for step in stopped]
    ax.plot(stopped, marks, "|", color=color, markersize=9, mew=1.2, zorder=3)
