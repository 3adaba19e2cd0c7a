"""Where memory ends: the gradient at the first step over that at the last, for every length.

One panel for each update looked at, one mark for each run, filled if it solved its task later on;
the line is the median. ‖∂C/∂h_t‖ as in Figure 4 of Arjovsky, Shah and Bengio (2016),
arXiv:1511.06464. What is beyond 1e-24 or 1e24 is drawn there.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import (
    LOWEST,
    after,
    first_and_last,
    legend,
    many,
    one_scale,
    over_lengths,
    panels,
    probed,
)
from urnn_bench.figures._style import plain, style_of
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class GradientByLengthOptions(Config):
    """What is drawn."""

    most: int = Field(4, ge=1, description="panels: the first updates looked at, and the last")


class GradientByLength(Figure):
    """‖∂C/∂h_1‖ / ‖∂C/∂h_T‖ over T."""

    Options = GradientByLengthOptions
    options: GradientByLengthOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was looked into at the length it is trained on."""
        found = _ratios(probed(results, "gradient_norm"))
        lengths = sorted(int(T) for T in found["T"].unique())
        if len(lengths) < 2:
            raise NothingToShowError(
                f"no two lengths of '{results.benchmark}' have a gradient at the last step of "
                "sequences of their own length; look, at two lengths with --T, with: "
                f"{results.command} --probe"
            )
        solved = set(results.runs[results.runs["solved_step"].notna()]["run"])
        steps = first_and_last(found, self.options.most)
        drawing, axes = panels(len(steps))
        for ax, step in zip(axes, steps, strict=True):
            _panel(ax, found[found["step"] == step], lengths, solved)
            ax.set_title(after(step), fontsize=10)
        one_scale(axes, LOWEST / 100)
        axes[0].set_ylabel("gradient at the first step\nover that at the last")
        marks = "; filled: solved in the end, open: not" if solved else ""
        looks = found[found["step"].isin(steps)].groupby("run")["step"].nunique()
        marks += "; no mark: not looked at" if looks.min() < len(steps) else ""
        legend(drawing, axes, f"{plain(results.benchmark)} ({many(found)}{marks})")
        return drawing


def _ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each run and update: the norm at the first step over the last one's."""
    own = frame[(frame["state"] == "h") & (frame["length"] == frame["T"])].sort_values("t")
    by = own.groupby(["run", "model", "T", "seed", "step"], sort=False)["value"]
    # not first() and last(), which pass over what is not finite
    first, last = by.agg(lambda norms: norms.iloc[0]), by.agg(lambda norms: norms.iloc[-1])
    ratio = (first / last).rename("ratio").reset_index().dropna()
    return ratio.assign(ratio=ratio["ratio"].clip(LOWEST, 1 / LOWEST))


def _panel(ax: Axes, frame: pd.DataFrame, lengths: list[int], solved: set[str]) -> None:
    for model, of in frame.groupby("model", sort=False):
        color, marker = style_of(str(model))
        middle = of.groupby("T")["ratio"].median()
        ax.plot([lengths.index(int(T)) for T in middle.index], middle, color=color, lw=1.2)
        ax.plot([], [], color=color, marker=marker, lw=1.2, label=plain(str(model)))
        for full, which in of.groupby(of["run"].isin(solved)):
            ax.scatter(
                [lengths.index(int(T)) for T in which["T"]],
                which["ratio"],
                marker=marker,
                s=22,
                edgecolors=color,
                facecolors=color if full else "none",
            )
    ax.set_yscale("log")
    ax.margins(y=0.3)
    over_lengths(ax, lengths)
