"""Where the stages of a training begin, as thin lines with their names."""

import pandas as pd
from matplotlib.axes import Axes

from urnn_bench.figures._style import escaped

_COLOR = "0.45"
# of a panel's width, between a line and its name
_GAP_POINTS = 3
# of a panel's width, from which on a name is written to the left of its line
_FAR_RIGHT = 0.6


def mark_stages(ax: Axes, frame: pd.DataFrame, column: str) -> None:
    """Draw a line at the first score of every stage but the first, and write its name beside it.

    ``column`` is what the horizontal axis counts. A stage that begins at another place in some
    runs, as they have other batches, is marked at each.
    """
    begins = frame[frame["stage"] != ""].groupby(["run", "stage"], sort=False)[column].min()
    places = begins.reset_index().drop_duplicates(["stage", column])
    end = float(frame[column].max())
    for place, names in places.groupby(column)["stage"]:
        at = float(place)  # type: ignore[arg-type]
        if at:
            ax.axvline(at, color=_COLOR, lw=0.8, zorder=0.5)
        _write(ax, at, ", ".join(map(str, names.unique())), is_right=at <= _FAR_RIGHT * end)


def _write(ax: Axes, place: float, name: str, is_right: bool) -> None:
    """Write a name at the upper end of a line."""
    ax.annotate(
        escaped(name),
        (place, 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=(_GAP_POINTS if is_right else -_GAP_POINTS, -_GAP_POINTS),
        textcoords="offset points",
        ha="left" if is_right else "right",
        va="top",
        fontsize=8,
        color=_COLOR,
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
    )
