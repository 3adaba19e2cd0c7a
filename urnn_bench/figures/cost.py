"""What it costs: updates a second, and seconds of training until a seed has solved the task.

Every seed is a point, the median over seeds a line. The second panel leaves out seeds that did
not solve the task; "solvability" counts them. Every device has panels of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.timing import timing_notes
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._devices import MIXED, by_device
from urnn_bench.figures._fitting import panel_title
from urnn_bench.figures._log_axis import number_log_axis
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import legend, panels, set_length_axis
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import Session

_INCHES = 3.4


class Cost(Figure):
    """Pace and time to solve, over length."""

    def draw(self, results: Results) -> Drawing:
        """Draw every run with at least one update."""
        parts = by_device(_timed(results))
        shown = pd.concat([part.runs for _, part in parts])
        columns = {"updates_per_s": "updates / s"}
        if shown["solve_s"].notna().any():
            columns["solve_s"] = "training until solved (s)"
        drawing, axes = panels(len(columns) * len(parts), columns=len(columns), width=_INCHES)
        places = [(part, column) for part in parts for column in columns]
        for ax, ((device, part), column) in zip(axes, places, strict=True):
            _draw_panel(ax, part, column, sorted(map(int, shown["T"].unique())))
            ax.set_title(panel_title(escaped(device), _INCHES), fontsize=10)
            ax.set_ylabel(columns[column])
            _scale_y(ax, shown[column])
        _add_legend(drawing, axes, results, shown)
        return drawing


def _timed(results: Results) -> Results:
    """Return the runs that have made an update, with the seconds until they solved the task."""
    runs = results.runs[results.runs["train_s"] > 0]
    if runs.empty:
        raise NothingToShowError(f"no run of '{results.benchmark}' has made an update yet")
    # updates take the same time, so their share is the share of the time
    solve_s = runs["solved_step"].astype(float) / runs["updates_per_s"]
    return replace(results, runs=runs.assign(solve_s=solve_s))


def _draw_panel(ax: Axes, results: Results, column: str, lengths: Sequence[int]) -> None:
    styles = styles_of_one_panel(results.models)
    measured = results.runs.dropna(subset=[column])
    measured = measured.assign(x=measured["T"].map(lengths.index), y=measured[column])
    for model, points in measured.groupby("model", sort=False):
        _draw_model(ax, str(model), styles[str(model)], points)
    set_length_axis(ax, lengths)


def _add_legend(
    drawing: Drawing, axes: Sequence[Axes], results: Results, shown: pd.DataFrame
) -> None:
    sessions = [record.sessions[-1] for record in results.records]
    machines = sorted({_machine(session) for session in sessions if session.device})
    title = escaped(f"{results.heading}, on {'; on '.join(machines)}")
    timed = {*_timed(results).runs["model"]}
    lacking = not_shown(
        results, shown["model"], lambda name: MIXED if name in timed else "no updates"
    )
    legend(drawing, axes, title, "; ".join(filter(None, (lacking, *timing_notes(results.records)))))


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
