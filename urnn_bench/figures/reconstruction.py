"""What a memory gives back of the past: one signal and R² by age, after three parts of the steps.

A linear readout of all states is fitted on other signals, as the probe of this name does. Above is
a signal, dashed, and what the memory of the first seed gives back of it; below the share of the
variance that is given back over many signals, by how long ago a sample was, the median over seeds.
Two panels for each model, at the last update at which it was probed.
"""

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._panels import (
    at_length,
    draw_seeds,
    legend,
    panels,
    probe_length_note,
    seeds_note,
)
from urnn_bench.figures._readings import at_last_update, not_shown, probed, updates_of
from urnn_bench.figures._style import BASELINE, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_PROBE = "reconstruction"
_SIGNAL = "signal"
_COLUMNS = 4
# room above and below the signal, which a bad reconstruction leaves
_ROOM = 1.25
_R2_LIMITS = (-0.08, 1.05)


class _Part(NamedTuple):
    """How what is remembered after some per cent of the steps is drawn."""

    per_cent: int
    color: str
    width: float

    @property
    def label(self) -> str:
        """What it is called in the legend."""
        when = "all" if self.per_cent == 100 else f"{self.per_cent} %"
        return own_label(f"given back after {when} of the steps")


_PARTS = (_Part(25, "#E69F00", 2.4), _Part(50, "#56B4E9", 1.8), _Part(100, "#882255", 1.2))


class ReconstructionOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class Reconstruction(Figure):
    """A signal as each memory gives it back, and R² by age."""

    Options = ReconstructionOptions
    options: ReconstructionOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed model, at the last update that it was probed."""
        readings, T = at_length(probed(results, _PROBE), self.options.T)
        frame = at_last_update(readings)
        models = list(frame.groupby("model", sort=False, observed=True))
        drawing, pairs = _pairs(len(models))
        for (model, own), (above, below) in zip(models, pairs, strict=True):
            _draw_signal(above, own)
            above.set_title(escaped(str(model)), fontsize=10)
            _draw_r2(below, own)
        for above, below in pairs[::_COLUMNS]:
            above.set_ylabel("signal")
            below.set_ylabel("R² of what is given back")
        title = f"trained at {T} for {updates_of(frame)} updates{probe_length_note(frame)}"
        title = f"{escaped(results.heading)}: {title} ({seeds_note(frame)})"
        note = not_shown(results, frame["model"], lambda _: "not probed")
        axes = [ax for pair in pairs for ax in pair]
        legend(drawing, axes, title, note)
        return drawing


def _pairs(count: int) -> tuple[Drawing, list[tuple[Axes, Axes]]]:
    """Return a drawing with a panel above another one for each model."""
    columns = min(count, _COLUMNS)
    blocks = -(-count // columns)
    drawing, axes = panels(2 * blocks * columns, columns=columns)
    rows = [axes[first : first + columns] for first in range(0, len(axes), columns)]
    pairs = [
        pair
        for above, below in zip(rows[::2], rows[1::2], strict=True)
        for pair in zip(above, below, strict=True)
    ]
    for ax in (ax for pair in pairs[count:] for ax in pair):
        ax.set_visible(False)
    return drawing, pairs[:count]


def _draw_signal(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the signal of the first seed, and what is given back of it."""
    first = frame[frame["run"] == frame.sort_values("seed")["run"].iloc[0]]
    curves = {state: curve.set_index("t")["value"] for state, curve in first.groupby("state")}
    for part in _PARTS:
        curve = curves[f"{_SIGNAL}_at_{part.per_cent}"].dropna()
        ax.plot(curve.index, curve, color=part.color, lw=part.width, label=part.label)
    signal = curves[_SIGNAL].dropna()
    ax.plot(signal.index, signal, ls="--", label=own_label("the signal"), **BASELINE)
    limit = _ROOM * signal.abs().max()
    ax.set_ylim(-limit, limit)
    ax.set_xlabel("t (steps)")


def _draw_r2(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the share of the variance by age, for each part of the steps."""
    for part in _PARTS:
        readings = frame[frame["state"] == f"r2_at_{part.per_cent}"].dropna(subset="value")
        curves = readings.pivot_table(index="t", columns="run", values="value")
        # the last sample is 0 steps ago
        curves.index = curves.index.max() - curves.index
        draw_seeds(ax, curves, part.color)
        median = curves.median(axis=1)
        ax.plot(median.index, median, color=part.color, lw=part.width, label=part.label)
    ax.set_ylim(*_R2_LIMITS)
    ax.set_xlabel("age of the sample (steps)")
