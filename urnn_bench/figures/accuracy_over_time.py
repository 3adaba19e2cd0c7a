"""When a network knows the class, and how long it remembers: accuracy at every step of a sequence.

The line is the mean over seeds, the band reaches from the lowest to the highest seed. Each run is
drawn at the last update at which the probe ``accuracy_over_time`` has read it. Where images are
followed by grey, there is a panel for each number of steps that they are shown, and the grey steps
are shaded. Dashed is what a model without memory and without an image scores.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._looks import ModelStyle, curve_dashes, styles_of
from urnn_bench.figures._multiples import of_models, without_models
from urnn_bench.figures._panels import (
    add_legend,
    at_length,
    count_seeds,
    entries_of,
    every_marker,
    panels,
    probe_length_note,
)
from urnn_bench.figures._readings import probed, updates_of, without_readings
from urnn_bench.figures._style import BASELINE, BASELINE_DASHES, escaped, own_label
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import Record
from urnn_bench.spec.types import Config

_PROBE, _METRIC = "accuracy_over_time", "accuracy"
_PANEL_INCHES, _COLUMNS = 4.2, 2
_GREY, _BAND = "0.9", 0.2
_BASELINE, _GREY_STEPS = "(baseline)", "grey instead of the image"


class AccuracyOverTimeOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class AccuracyOverTime(Figure):
    """Accuracy over t."""

    Options = AccuracyOverTimeOptions
    options: AccuracyOverTimeOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run."""
        readings = probed(results, _PROBE)
        frame, T = at_length(readings, self.options.T)
        frame = _at_last_reading(frame).assign(shown=frame["run"].map(_shown_steps(results)))
        styles = styles_of(results.models)
        groups = of_models(results, frame.groupby("shown"))
        drawing, axes = panels(len(groups), columns=_COLUMNS, width=_PANEL_INCHES)
        for ax, panel in zip(axes, groups, strict=True):
            _draw_panel(ax, panel.frame, styles)
            _draw_chance(ax, panel.frame, results)
            panel.set_title(ax, _shade_grey(ax, panel.key, panel.frame["t"].max()), _PANEL_INCHES)
        axes[0].set_ylabel("accuracy, validation")
        title = f"trained at {T} for {updates_of(frame)} updates{probe_length_note(frame)}"
        title = f"{escaped(results.heading)}: {title} ({_seeds_note(frame)})"
        entries = without_models(entries_of(axes, (_BASELINE, _GREY_STEPS)), groups)
        add_legend(drawing, entries, title, without_readings(results, frame, readings, None))
        return drawing


def _at_last_reading(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the readings of every run at the last update at which it was probed."""
    return frame[frame["step"] == frame.groupby("run")["step"].transform("max")]


def _shown_steps(results: Results) -> dict[str, int]:
    """Return by run for how many steps the probed input is shown: all, unless the task says."""
    pairs = zip(results.folders, results.records, strict=True)
    return {folder.name: _shown(record) for folder, record in pairs}


def _shown(record: Record) -> int:
    shown = record.run.task.options.get("shown")
    return shown if isinstance(shown, int) else 0


def _draw_panel(ax: Axes, panel: pd.DataFrame, styles: Mapping[str, ModelStyle]) -> None:
    dashes = curve_dashes(styles)
    for model, readings in panel.groupby("model", sort=False):
        by_step = readings.groupby("t")["value"]
        mean, color = by_step.mean(), styles[str(model)].color
        if readings["run"].nunique() > 1:
            ax.fill_between(
                mean.index, by_step.min(), by_step.max(), color=color, alpha=_BAND, lw=0
            )
        ax.plot(
            mean.index,
            mean,
            color=color,
            lw=1.8,
            ls=dashes[str(model)],
            marker=styles[str(model)].marker,
            markevery=every_marker(len(mean)),
            label=escaped(str(model)),
        )
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("t (steps)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_chance(ax: Axes, panel: pd.DataFrame, results: Results) -> None:
    baselines = results.baselines(_METRIC, int(panel["T"].iloc[0]))
    for (name, value), dashes in zip(baselines.items(), BASELINE_DASHES, strict=False):
        ax.axhline(value, linestyle=dashes, label=own_label(f"{name} {_BASELINE}"), **BASELINE)


def _shade_grey(ax: Axes, shown: int, last: int) -> str:
    """Shade the steps after an image; return for how many it is shown if the task says so."""
    if not shown:
        return ""
    steps = "step" if shown == 1 else "steps"
    if shown < last:
        label = own_label(_GREY_STEPS)
        ax.axvspan(shown + 0.5, last + 0.5, color=_GREY, lw=0, zorder=0, label=label)
        ax.set_xlim(right=last + 0.5)
    return f"image shown for {shown:,} {steps}"


def _seeds_note(frame: pd.DataFrame) -> str:
    """Return how many seeds a drawing has, and how they are drawn."""
    count = count_seeds(frame)
    is_one = frame.groupby("model")["run"].nunique().max() == 1
    return count if is_one else f"mean of {count}, band: lowest to highest"
