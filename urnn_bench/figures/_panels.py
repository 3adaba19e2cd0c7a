"""What figures with a panel for each length, model or update share."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._read_off import READ_OFF
from urnn_bench.figures._style import columns, plain, style_of
from urnn_bench.records.record import FINAL

# smaller norms are below the axis
LOWEST = 1e-24
_STATE_LINES = {"h": "-"}
_OTHER_LINES = "--"
# of a title above a legend
_LETTERS_AN_INCH = 16
# lengths whose names stand beside each other
_LEVEL = 5


def panels(count: int, columns: int = 4, width: float = 2.9) -> tuple[Drawing, list[Axes]]:
    """Return a drawing with ``count`` panels, at most ``columns`` in a row."""
    columns = min(count, columns)
    rows = -(-count // columns)
    drawing = Drawing(figsize=(1.2 + width * columns, 1.1 + 2.5 * rows))
    axes = drawing.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    return drawing, list(axes.flat[:count])


def probed(results: Results, probe: str) -> pd.DataFrame:
    """Return what a probe read; raise NothingToShowError with the command that makes it."""
    found = results.probes
    found = found[found["probe"] == probe]
    if found.empty:
        raise NothingToShowError(
            f"no run of '{results.benchmark}' was looked into with '{probe}'; "
            f"make some with: {results.command} --probe"
        )
    return found


def at_length(frame: pd.DataFrame, T: int | None) -> tuple[pd.DataFrame, str]:
    """Return what was read of runs trained at a length, the longest if none is given, and its name.

    Raises NothingToShowError if there are none of it.
    """
    lengths = sorted(int(each) for each in frame["T"].unique())
    T = T or lengths[-1]
    if T not in lengths:
        known = ", ".join(map(str, lengths))
        raise NothingToShowError(f"no run trained at T = {T} was looked into; there are: {known}")
    others = f" (of {lengths[0]:,} to {lengths[-1]:,})" if len(lengths) > 1 else ""
    return frame[frame["T"] == T], f"T = {T:,}{others}"


def run_at(frame: pd.DataFrame) -> str:
    """Return at which length networks were looked into, if it is not the one of training."""
    if (frame["length"] == frame["T"]).all():
        return ""
    return f", run at T = {' or '.join(f'{n:,}' for n in sorted(frame['length'].unique()))}"


def over_lengths(ax: Axes, lengths: Sequence[int]) -> None:
    """Give every length the same room on the horizontal axis, whatever lies between them."""
    turned = 45 if len(lengths) > _LEVEL else 0
    ax.set_xticks(range(len(lengths)), [f"{T:,}" for T in lengths], rotation=turned)
    ax.set_xlim(-0.5, len(lengths) - 0.5)
    ax.set_xlabel("T (steps to remember over)")


def over_time(ax: Axes, frame: pd.DataFrame, states: Sequence[str]) -> None:
    """Draw value over t for every model and state: seeds thin, their median thick."""
    for (model, state), of in frame[frame["state"].isin(states)].groupby(
        ["model", "state"], sort=False
    ):
        curves = of.pivot_table(index="t", columns="run", values="value")
        color, dashes = style_of(str(model)).color, _STATE_LINES.get(str(state), _OTHER_LINES)
        if curves.shape[1] > 1:
            ax.plot(curves.index, curves.to_numpy(), color=color, ls=dashes, lw=0.6, alpha=0.4)
        middle = curves.median(axis=1)
        ax.plot(
            middle.index,
            middle,
            color=color,
            ls=dashes,
            lw=1.8,
            label=f"{plain(str(model))}, {state}",
        )


def first_and_last(frame: pd.DataFrame, most: int) -> list[int]:
    """Return the updates looked at, the last and of the others the first, ``most`` of them."""
    steps = sorted(int(step) for step in frame["step"].unique())
    return [*steps[: most - 1], *steps[most - 1 :][-1:]]


def after(step: int) -> str:
    """Return a panel's title from the update that it shows."""
    return "at the start" if step == 0 else f"after {step:,} updates"


def one_scale(axes: Sequence[Axes], lowest: float) -> None:
    """Give panels the same logarithmic axis, so that they can be compared."""
    ends = [ax.get_ylim() for ax in axes]
    for ax in axes:
        ax.set_ylim(max(lowest, min(low for low, _ in ends)), max(high for _, high in ends))


def legend(drawing: Drawing, axes: Sequence[Axes], title: str) -> None:
    """Put every label once above the panels, those of a paper last."""
    entries: dict[str, Any] = {}
    for ax in axes:
        handles, names = ax.get_legend_handles_labels()
        entries.update(zip(names, handles, strict=True))
    names = sorted(entries, key=lambda name: name.endswith(READ_OFF))
    drawing.legend(
        [entries[name] for name in names],
        names,
        loc="outside upper center",
        ncols=columns(drawing, names),
        title=wrapped(title, drawing),
        title_fontsize=8,
    )


def wrapped(title: str, drawing: Drawing) -> str:
    """Break a title into lines that fit a drawing."""
    return fill(title, int(_LETTERS_AN_INCH * drawing.get_figwidth()))


def ended(results: Results) -> pd.DataFrame:
    """Return the runs that nothing more will happen to; the others may still solve their task."""
    return results.runs[results.runs["status"].isin(FINAL)]


def many(frame: pd.DataFrame, *by: str) -> str:
    """Return how many seeds there are of each model and length, and column ``by``, in words."""
    counts = frame.groupby(["model", "T", *by])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return "one seed"
    return f"{high} seeds" if low == high else f"{low} to {high} seeds"


def fewer(panel: pd.DataFrame, frame: pd.DataFrame) -> str:
    """Return how many seeds a panel shows if it lacks some, as of runs that had ended by then."""
    count = many(panel)
    return "" if count == many(frame) else f", {count}"


def seeds(frame: pd.DataFrame) -> str:
    """Return how many seeds a drawing shows and how."""
    count = many(frame)
    return count if count == "one seed" else f"thick: median of {count}, thin: each seed"
