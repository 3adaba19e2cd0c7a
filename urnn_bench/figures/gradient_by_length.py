"""Where memory ends: the gradient at the first step over that at the last, for every length.

One panel for each probed update, one mark for each run, filled if the run solved its task later;
the line is the median. ‖∂C/∂h_t‖ as in Figure 4 of Arjovsky, Shah and Bengio (2016),
arXiv:1511.06464, where h is a model's first state. Ratios are clipped to 1e-24 and 1e24.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import (
    MIN_NORM,
    count_seeds,
    legend,
    panels,
    select_updates,
    set_length_axis,
    share_y_axis,
    title_after,
)
from urnn_bench.figures._readings import probed, without_readings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class GradientByLengthOptions(Config):
    """What is drawn."""

    most: int = Field(4, ge=1, description="panels: the first probed updates and the last one")


class GradientByLength(Figure):
    """‖∂C/∂h_1‖ / ‖∂C/∂h_T‖ over T."""

    Options = GradientByLengthOptions
    options: GradientByLengthOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was probed at the length of its training."""
        readings = probed(results, "gradient_norm")
        ratios = _ratios(readings)
        lengths = sorted(int(T) for T in ratios["T"].unique())
        if len(lengths) < 2:
            command = replace(results.command, lengths=()).with_probes()
            raise NothingToShowError(
                f"no two lengths of '{results.benchmark}' have a gradient at the last step of "
                "sequences of their own length; probe two lengths, given by --T, with: "
                f"{command}"
            )
        solved = set(results.runs[results.runs["solved_step"].notna()]["run"])
        steps = select_updates(ratios, self.options.most)
        drawing, axes = panels(len(steps))
        styles = styles_of_one_panel(results.models)
        for ax, step in zip(axes, steps, strict=True):
            _panel(ax, ratios[ratios["step"] == step], lengths, solved, styles)
            ax.set_title(title_after(step), fontsize=10)
        share_y_axis(axes, MIN_NORM / 100)
        axes[0].set_ylabel("gradient at the first step\nover that at the last")
        marks = "; filled: solved in the end, open: not" if solved else ""
        shown = ratios[ratios["step"].isin(steps)].groupby("run")["step"].nunique()
        marks += "; no mark: not looked at" if shown.min() < len(steps) else ""
        title = f"{escaped(results.heading)} ({count_seeds(ratios)}{marks})"
        legend(drawing, axes, title, without_readings(results, ratios, readings, None))
        return drawing


def _ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Return for each run and update the norm at the first step over that at the last."""
    is_shown = (frame["position"] == 0) & (frame["length"] == frame["T"])
    columns = ["run", "model", "T", "seed", "step", "t", "value"]
    trained_length = frame.loc[is_shown, columns].sort_values("t")
    norms = trained_length.groupby(["run", "model", "T", "seed", "step"], sort=False)["value"]
    # first() and last() would skip values that are not finite
    first = norms.agg(lambda values: values.iloc[0])
    last = norms.agg(lambda values: values.iloc[-1])
    ratio = (first / last).rename("ratio").reset_index().dropna()
    return ratio.assign(ratio=ratio["ratio"].clip(MIN_NORM, 1 / MIN_NORM))


def _panel(
    ax: Axes,
    frame: pd.DataFrame,
    lengths: list[int],
    solved: set[str],
    styles: Mapping[str, ModelStyle],
) -> None:
    for model, runs in frame.groupby("model", sort=False):
        color, marker = styles[str(model)]
        median = runs.groupby("T")["ratio"].median()
        ax.plot([lengths.index(int(T)) for T in median.index], median, color=color, lw=1.2)
        ax.plot([], [], color=color, marker=marker, lw=1.2, label=escaped(str(model)))
        for is_solved, marked in runs.groupby(runs["run"].isin(solved)):
            ax.scatter(
                [lengths.index(int(T)) for T in marked["T"]],
                marked["ratio"],
                marker=marker,
                s=22,
                edgecolors=color,
                facecolors=color if is_solved else "none",
            )
    ax.set_yscale("log")
    ax.margins(y=0.3)
    set_length_axis(ax, lengths)
