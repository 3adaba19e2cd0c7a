"""What it costs: updates a second, and seconds of training until a seed has solved the task.

Every seed is a point, the median over seeds a line. The second panel leaves out seeds that did
not solve the task; "solvability" counts them.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._log_axis import number_log_axis
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import legend, panels, set_length_axis
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import Session


class Cost(Figure):
    """Pace and time to solve, over length."""

    def draw(self, results: Results) -> Drawing:
        """Draw every run with at least one update."""
        runs = results.runs[results.runs["updates_per_s"].notna()].copy()
        if runs.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has made an update yet")
        # updates take the same time, so their share is the share of the time
        runs["solve_s"] = runs["solved_step"].astype(float) / runs["updates_per_s"]
        columns = {"updates_per_s": "updates / s"}
        if runs["solve_s"].notna().any():
            columns["solve_s"] = "training until solved (s)"
        lengths = sorted(int(T) for T in runs["T"].unique())
        drawing, axes = panels(len(columns), width=3.4)
        styles = styles_of_one_panel(results.models)
        for ax, (column, name) in zip(axes, columns.items(), strict=True):
            measured = runs.dropna(subset=[column])
            measured = measured.assign(x=measured["T"].map(lengths.index), y=measured[column])
            for model, points in measured.groupby("model", sort=False):
                _draw_model(ax, str(model), styles[str(model)], points)
            set_length_axis(ax, lengths)
            ax.set_ylabel(name)
            _scale_y(ax, runs[column])
        sessions = [record.sessions[-1] for record in results.records]
        machines = sorted({_machine(session) for session in sessions if session.device})
        title = escaped(f"{results.heading}, on {'; on '.join(machines)}")
        legend(drawing, axes, title, not_shown(results, runs["model"], lambda _: "no updates"))
        return drawing


def _scale_y(ax: Axes, values: "pd.Series[float]") -> None:
    """Make the axis logarithmic, unless a run was solved at the start, which took no time."""
    if values.min() > 0:
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        number_log_axis(ax.yaxis, high / low)
    else:
        ax.set_ylim(bottom=0)


def _machine(session: Session) -> str:
    """Return what the pace depends on besides the model."""
    threads = "one thread" if session.threads == 1 else f"{session.threads} threads"
    stack = f", {session.together} runs at once" if session.together > 1 else ""
    return f"{session.device} ({session.device_name}) with {threads}{stack}"


def _draw_model(ax: Axes, model: str, style: ModelStyle, points: pd.DataFrame) -> None:
    color, marker = style
    ax.plot(points["x"], points["y"], marker, color=color, alpha=0.35)
    median = points.groupby("x")["y"].median()
    ax.plot(median.index, median, color=color, marker=marker, lw=1.8, label=escaped(model))
