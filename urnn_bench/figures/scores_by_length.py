"""Test score against sequence length: every seed a point, the median over seeds a line.

Each point is the test score of the weights that were best on validation, of a diverged run before
it diverged. The memoryless baseline
is dashed; a model on that line has remembered nothing.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import legend, over_lengths
from urnn_bench.figures._style import (
    BASELINE,
    BASELINE_DASHES,
    DIVERGED,
    label,
    plain,
    style_of,
    wide,
)
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class ScoresByLengthOptions(Config):
    """What stands on the vertical axis."""

    metric: str | None = Field(None, description="what is drawn; the loss if not given")


class ScoresByLength(Figure):
    """How far each model's memory reaches."""

    Options = ScoresByLengthOptions

    def draw(self, results: Results) -> Drawing:
        """Draw all tested runs of a benchmark."""
        metric = self.options.metric or results.criterion
        column = f"test_{metric}"
        tested = results.runs.dropna(subset=[column]) if column in results.runs else None
        if tested is None or tested.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has been tested yet")
        drawing = Drawing(figsize=(5.4, 3.4))
        ax = drawing.subplots()
        lengths = sorted(int(T) for T in tested["T"].unique())
        for model, runs in tested.groupby("model", sort=False):
            _model(ax, str(model), runs.assign(place=runs["T"].map(lengths.index)), column)
        _baselines(ax, results, metric, lengths)
        if wide(tested[column]):
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        over_lengths(ax, lengths)
        ax.set_ylabel(f"test {label(metric)}")
        legend(drawing, [ax], plain(results.benchmark))
        return drawing


def _model(ax: Axes, model: str, runs: pd.DataFrame, column: str) -> None:
    color, marker = style_of(model)
    ax.plot(runs["place"], runs[column], linestyle="", color=color, marker=marker, alpha=0.35)
    diverged = runs[runs["status"] == "diverged"]
    if len(diverged):
        ax.plot(diverged["place"], diverged[column], "x", color=color, label="diverged", **DIVERGED)
    centre = runs.groupby("place")[column].median()
    ax.plot(centre.index, centre, color=color, marker=marker, linewidth=1.8, label=plain(model))


def _baselines(ax: Axes, results: Results, metric: str, lengths: list[int]) -> None:
    values = {T: results.baselines(metric, T) for T in lengths}
    for name, dashes in zip(values[lengths[0]], BASELINE_DASHES, strict=False):
        line = [values[T].get(name, float("nan")) for T in lengths]
        # a single length has a line too
        places = list(range(len(lengths))) if len(lengths) > 1 else [-0.3, 0.3]
        line = line if len(line) > 1 else line * 2
        ax.plot(places, line, linestyle=dashes, label=f"{name} (baseline)", **BASELINE)
