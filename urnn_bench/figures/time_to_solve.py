"""How soon it is solved: the share of seeds that have not solved the task yet, over updates.

Kaplan-Meier curves, one panel a length. A seed that was stopped unsolved is censored, marked |,
neither infinite nor missing.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import legend, panels
from urnn_bench.figures._style import look, plain
from urnn_bench.figures.base import Figure
from urnn_bench.records.results import Results
from urnn_bench.records.statistics import survival


class TimeToSolve(Figure):
    """Survival curves of not having solved the task."""

    def draw(self, results: Results) -> Drawing:
        """Draw every length of a benchmark at which a seed has solved it."""
        solved = results.runs[results.runs["solved_step"].notna()]
        lengths = sorted(int(T) for T in solved["T"].unique())
        if not lengths:
            raise NothingToShowError(f"no run of '{results.benchmark}' has solved its task yet")
        drawing, axes = panels(len(lengths))
        for ax, T in zip(axes, lengths, strict=True):
            for model, runs in results.runs[results.runs["T"] == T].groupby("model", sort=False):
                _curve(ax, str(model), runs)
            ax.set_title(f"T = {T:,}", fontsize=10)
            ax.set_xlabel("updates")
            ax.set_xscale("log")
            ax.set_ylim(-0.03, 1.05)
        axes[0].set_ylabel("share of seeds not solved yet")
        legend(drawing, axes, f"{plain(results.benchmark)} (|: stopped unsolved)")
        return drawing


def _curve(ax: Axes, model: str, runs: pd.DataFrame) -> None:
    color = look(model).color
    steps = [None if pd.isna(s) else float(s) for s in runs["solved_step"]]
    found = survival(steps, [float(s) for s in runs["steps"]])
    end = float(runs["steps"].max())
    # the axis is logarithmic: a seed that was solved from the start stands at one
    times, shares = [1.0, *(max(1.0, t) for t in found.times), end], [1.0, *found.unsolved]
    ax.step(times, [*shares, shares[-1]], where="post", color=color, lw=1.6, label=plain(model))
    stopped = runs[runs["solved_step"].isna()]["steps"]
    ax.plot(stopped, [shares[-1]] * len(stopped), "|", color=color, markersize=9)
