"""Parts shared by figures with a panel for each length, model or update."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._legend import add_legend as add_legend
from urnn_bench.figures._legend import entries_of as entries_of
from urnn_bench.figures._log_axis import number_log_axis
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._paper_points import FROM_PAPER
from urnn_bench.figures._style import escaped
from urnn_bench.records.record import FINAL
from urnn_bench.renamed import former_names

__getattr__ = former_names(__name__)

# of a panel and its labels
PANEL_INCHES = 2.9
# smaller norms are below the axis
MIN_NORM = 1e-24
# of a model's first state, its second one, and so on
_STATE_DASHES = ("-", "--", ":", "-.")
# on a curve
_MARKERS = 8
_ONE_SEED = "one seed"
_PROBE_INTERVAL = 100
_MANY_SEEDS = 20
# more lengths than these have slanted names
_MAX_LEVEL_NAMES = 5
# an axis that spans less has plain numbers
_PLAIN = 1e3


def panels(count: int, columns: int = 4, width: float = PANEL_INCHES) -> tuple[Drawing, list[Axes]]:
    """Return a drawing with ``count`` panels, at most ``columns`` in a row."""
    columns = min(count, columns)
    rows = -(-count // columns)
    drawing = Drawing(figsize=(1.2 + width * columns, 1.1 + 2.5 * rows))
    axes = drawing.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    return drawing, list(axes.flat[:count])


def probe_interval(results: Results) -> str:
    """Return the setting that probes every run at two updates or more."""
    shortest = min(record.run.updates for record in results.records)
    return f"probes.every={min(_PROBE_INTERVAL, shortest)}"


def at_length(frame: pd.DataFrame, T: int | None) -> tuple[pd.DataFrame, str]:
    """Return the readings of runs trained at a length, by default the longest, and its name.

    Raises NothingToShowError if there are none.
    """
    lengths = sorted(int(length) for length in frame["T"].unique())
    T = T or lengths[-1]
    if T not in lengths:
        recorded = ", ".join(map(str, lengths))
        raise NothingToShowError(f"no run trained at T = {T} was probed; there are: {recorded}")
    span = f" (of {lengths[0]:,} to {lengths[-1]:,})" if len(lengths) > 1 else ""
    return frame[frame["T"] == T], f"T = {T:,}{span}"


def probe_length_note(frame: pd.DataFrame) -> str:
    """Return the length at which networks were probed, if it is not the one of training."""
    if (frame["length"] == frame["T"]).all():
        return ""
    return f", run at T = {' or '.join(f'{n:,}' for n in sorted(frame['length'].unique()))}"


def set_length_axis(ax: Axes, lengths: Sequence[int]) -> None:
    """Space lengths evenly on the horizontal axis."""
    rotation = 45 if len(lengths) > _MAX_LEVEL_NAMES else 0
    ax.set_xticks(range(len(lengths)), [f"{T:,}" for T in lengths], rotation=rotation)
    ax.set_xlim(-0.5, len(lengths) - 0.5)
    ax.set_xlabel("T (steps to remember over)")


def plot_over_time(ax: Axes, frame: pd.DataFrame, styles: Mapping[str, ModelStyle]) -> None:
    """Draw value over t for every model and state: seeds thin, their median thick."""
    for (model, state), readings in frame.groupby(["model", "state"], sort=False):
        curves = readings.pivot_table(index="t", columns="run", values="value")
        color = styles[str(model)].color
        position = int(readings["position"].iloc[0])
        dashes = _STATE_DASHES[min(position, len(_STATE_DASHES) - 1)]
        draw_seeds(ax, curves, color, dashes)
        median = curves.median(axis=1)
        ax.plot(
            median.index,
            median,
            color=color,
            ls=dashes,
            lw=1.8,
            label=escaped(f"{model}, {state}"),
            marker=styles[str(model)].marker,
            markevery=every_marker(len(median)),
        )


def every_marker(points: int) -> int:
    """Return which points of a curve have a marker, so that print tells curves apart."""
    return max(1, points // _MARKERS)


def draw_seeds(
    ax: Axes, curves: pd.DataFrame, color: str, dashes: str = "-", alpha: float = 0.4
) -> None:
    """Draw every column of a frame as a thin line, unless it has only one."""
    if curves.shape[1] == 1:
        return
    if curves.shape[1] <= _MANY_SEEDS:
        ax.plot(curves.index, curves.to_numpy(), color=color, ls=dashes, lw=0.6, alpha=alpha)
        return
    # one artist looks the same, and takes a tenth of the time
    times = curves.index.to_numpy(dtype=float)
    lines = [np.column_stack([times, values]) for values in curves.to_numpy().T]
    drawn = LineCollection(lines, colors=color, linestyles=dashes, linewidths=0.6, alpha=alpha)
    drawn.set(capstyle="projecting" if dashes == "-" else "butt", joinstyle="round")
    ax.add_collection(drawn)


def select_updates(frame: pd.DataFrame, most: int) -> list[int]:
    """Return at most ``most`` of the probed updates: the first ones and the last one."""
    steps = sorted(int(step) for step in frame["step"].unique())
    return [*steps[: most - 1], *steps[most - 1 :][-1:]]


def title_after(step: int) -> str:
    """Return a panel's title from its update."""
    updates = "update" if step == 1 else "updates"
    return "at the start" if step == 0 else f"after {step:,} {updates}"


def share_y_axis(axes: Sequence[Axes], lowest: float) -> None:
    """Give panels the same logarithmic axis, so that they can be compared."""
    limits = [ax.get_ylim() for ax in axes]
    low, high = max(lowest, min(low for low, _ in limits)), max(high for _, high in limits)
    for ax in axes:
        ax.set_ylim(low, high)
        if high / low < _PLAIN:
            number_log_axis(ax.yaxis, high / low)


def share_score_axis(axes: Sequence[Axes], *, is_log: bool) -> None:
    """Give panels the same axis of scores, from zero if it is linear."""
    for ax in axes:
        if is_log:
            ax.set_yscale("log")
    limits = [ax.get_ylim() for ax in axes]
    low = min(low for low, _ in limits) if is_log else 0
    for ax in axes:
        ax.set_ylim(low, max(high for _, high in limits))


def legend(drawing: Drawing, axes: Sequence[Axes], title: str, note: str = "") -> None:
    """Draw a legend above the panels with every label once, those of a paper last."""
    add_legend(drawing, entries_of(axes, (FROM_PAPER,)), title, note)


def ended(results: Results) -> pd.DataFrame:
    """Return the runs that have ended; the others may still solve their task."""
    return results.runs[results.runs["status"].isin(FINAL)]


def count_seeds(frame: pd.DataFrame, *by: str) -> str:
    """Return in words how many seeds each model and length has, and each value of ``by``."""
    counts = frame.groupby(["model", "T", *by])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return _ONE_SEED
    return f"{high} seeds" if low == high else f"{low} to {high} seeds"


def fewer_seeds_note(panel: pd.DataFrame, frame: pd.DataFrame) -> str:
    """Return how many seeds a panel has, if it lacks some because runs had ended before."""
    count = count_seeds(panel)
    return "" if count == count_seeds(frame) else f", {count}"


def seeds_note(frame: pd.DataFrame) -> str:
    """Return how many seeds a drawing has, and how they are drawn."""
    count = count_seeds(frame)
    return count if count == _ONE_SEED else f"thick: median of {count}, thin: each seed"
