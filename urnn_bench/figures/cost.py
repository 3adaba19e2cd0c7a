"""What it costs: updates a second, and seconds of training until a seed has solved the task.

Every seed is a point, the median over seeds a line; seeds that did not solve it are not
in the second panel; "solvability" counts them.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import legend, over_lengths, panels
from urnn_bench.figures._style import plain, style_of
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import Session


class Cost(Figure):
    """Pace and time to solve, over length."""

    def draw(self, results: Results) -> Drawing:
        """Draw every run that has made an update."""
        runs = results.runs[results.runs["updates_per_s"].notna()].copy()
        if runs.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has made an update yet")
        # the pace is even, so the share of the updates is the share of the time
        runs["solve_s"] = runs["solved_step"].astype(float) / runs["updates_per_s"]
        columns = {"updates_per_s": "updates / s"}
        if runs["solve_s"].notna().any():
            columns["solve_s"] = "training until solved (s)"
        lengths = sorted(int(T) for T in runs["T"].unique())
        drawing, axes = panels(len(columns), width=3.4)
        for ax, (column, name) in zip(axes, columns.items(), strict=True):
            for model, of in runs.dropna(subset=[column]).groupby("model", sort=False):
                _points(ax, str(model), of, column, lengths)
            over_lengths(ax, lengths)
            ax.set_ylabel(name)
            # a run that was solved from the start took no time, which a logarithm cannot show
            ax.set_yscale("log" if runs[column].min() > 0 else "linear")
        made = sorted({_where(r.sessions[-1]) for r in results.records if r.sessions[-1].device})
        legend(drawing, axes, f"{plain(results.benchmark)}, on {'; on '.join(made)}")
        return drawing


def _where(session: Session) -> str:
    """Return all that the pace depends on beside the model."""
    threads = "one thread" if session.threads == 1 else f"{session.threads} threads"
    together = f", {session.together} runs at once" if session.together > 1 else ""
    return f"{session.device} ({session.device_name}) with {threads}{together}"


def _points(ax: Axes, model: str, runs: pd.DataFrame, column: str, lengths: list[int]) -> None:
    color, marker = style_of(model)
    place = runs["T"].map(lengths.index)
    ax.plot(place, runs[column], marker, color=color, alpha=0.35)
    middle = runs.groupby(place)[column].median()
    ax.plot(middle.index, middle, color=color, marker=marker, lw=1.8, label=plain(model))
