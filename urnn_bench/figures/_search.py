"""Parts shared by figures of searches: who proposed a trial, and how axes and losses are shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from urnn_bench import proposals
from urnn_bench.analysis.results import Results
from urnn_bench.errors import DamagedRecordError, NothingToShowError
from urnn_bench.figures._log_axis import number_log_axis
from urnn_bench.figures._style import IS_LOG, Scale, escaped
from urnn_bench.records.trials import PRUNED

# of the span of an axis, what is free beyond its values; equal losses have a span too
_MARGIN, _LEAST_RATIO = 0.06, 1.5


class SamplerStyle(NamedTuple):
    """How the trials of a sampler look, and what it is called."""

    name: str
    color: str
    marker: str


SAMPLERS: Mapping[str, SamplerStyle] = {
    "tpe": SamplerStyle("TPE", "#0072B2", "o"),
    "random": SamplerStyle("random search", "#D55E00", "s"),
}


def trials_of(results: Results) -> pd.DataFrame:
    """Return the trials of a benchmark; raise NothingToShowError if there are none with a loss."""
    try:
        trials = results.trials
    except DamagedRecordError as error:
        # the other figures need no trials
        raise NothingToShowError(str(error)) from error
    if trials["loss"].notna().any():
        return trials
    lacking = "has a loss" if len(trials) else "is recorded"
    (given,) = results.command.benchmarks.values()
    command = proposals.search(results.command, given)
    raise NothingToShowError(
        f"no trial of a search of '{results.benchmark}' {lacking}; search with: {command}"
    )


def searched(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what was searched, a model at a length, with its trials."""
    for (model, T), own in trials.groupby(["model", "T"]):
        yield f"{escaped(str(model))}, T = {T:,}", own


def by_sampler(trials: pd.DataFrame) -> Iterator[tuple[SamplerStyle, pd.DataFrame]]:
    """Yield the samplers of some trials, TPE first."""
    for name, style in SAMPLERS.items():
        if len(own := trials[trials["sampler"] == name]):
            yield style, own


def draw_trials(ax: Axes, x: "pd.Series[Any]", trials: pd.DataFrame, look: SamplerStyle) -> None:
    """Draw a faint point for each trial with a loss, hollow if it was pruned."""
    is_pruned = trials["state"] == PRUNED
    for own, face in ((is_pruned, "none"), (~is_pruned, look.color)):
        ax.plot(
            x[own],
            trials["loss"][own],
            look.marker,
            color=look.color,
            markerfacecolor=face,
            markersize=3.2,
            markeredgewidth=0.6,
            alpha=0.45,
        )


def short_names(axes: Sequence[str]) -> dict[str, str]:
    """Return each axis by its last keys, as few as tell it apart from the others.

    A name is one of what the key before says.
    """
    return {axis: _shortest(axis, axes) for axis in axes}


def _shortest(axis: str, axes: Sequence[str]) -> str:
    keys = axis.split(".")
    fewest = 2 if keys[-1] == "name" else 1
    ends = (".".join(keys[-count:]) for count in range(fewest, len(keys) + 1))
    others = [other for other in axes if other != axis]
    is_alone = (e for e in ends if not any(f".{o}".endswith(f".{e}") for o in others))
    return next(is_alone, axis)


def set_loss_axis(axes: Sequence[Axes], losses: "pd.Series[float]", scale: Scale) -> None:
    """Make the vertical axes of some panels one, logarithmic where the losses allow it."""
    known = losses.dropna()
    is_log = IS_LOG[scale](known) and bool((known > 0).all())
    for ax in axes:
        ax.set_yscale("log" if is_log else "linear")
    low, high = _ends(float(known.min()), float(known.max()), is_log=is_log)
    for ax in axes:
        ax.set_ylim(low, high)
        if is_log:
            number_log_axis(ax.yaxis, high / low)


def _ends(low: float, high: float, *, is_log: bool) -> tuple[float, float]:
    """Return the ends of an axis beyond its values; a wide interval may end outside."""
    if is_log:
        factor = max(high / low, _LEAST_RATIO) ** _MARGIN
        return low / factor, high * factor
    room = _MARGIN * (high - low) or _MARGIN * abs(high) or 1.0
    return low - room, high + room


def counted(trials: pd.DataFrame) -> str:
    """Return in words how many trials and searches there are."""
    sizes = trials.groupby(["model", "T", "sampler", "seed"]).size()
    low, high = int(sizes.min()), int(sizes.max())
    count = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    words = f"{count} trial{'s' * (high != 1)}"
    return (
        f"{words} of one search" if len(sizes) == 1 else f"{words} in each of {len(sizes)} searches"
    )
