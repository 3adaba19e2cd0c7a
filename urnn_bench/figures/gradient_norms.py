"""How far the gradient reaches back: its norm at every step, one panel for each update looked at.

Panels 1 and 2 of Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, which show the
start and the hundredth update. ‖∂C/∂h_t‖ is the total derivative of each example's loss, the mean
over the batch of its 2-norm over the units; dashed for a cell state c. What is below the axis has
underflowed nothing: norms are taken in float64.
"""

from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import (
    LOWEST,
    after,
    at_length,
    fewer,
    first_and_last,
    legend,
    one_scale,
    over_time,
    panels,
    probed,
    run_at,
    seeds,
)
from urnn_bench.figures._read_off import OverTime, beside
from urnn_bench.figures._style import plain
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class AfterUpdate(OverTime):
    """Gradient norms that a paper shows after so many updates."""

    update: int = Field(ge=0)


class GradientNormsOptions(Config):
    """What is drawn."""

    states: list[str] = Field(["h"], description="which states; c is an LSTM's cell")
    T: int | None = Field(None, description="trained length; the longest if not given")
    paper: list[AfterUpdate] = Field([], description="points read off a paper's curves")
    most: int = Field(4, ge=1, description="panels: the first updates looked at, and the last")


class GradientNorms(Figure):
    """‖∂C/∂h_t‖ over t."""

    Options = GradientNormsOptions
    options: GradientNormsOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was looked into."""
        frame = probed(results, "gradient_norm")
        frame = frame[frame["state"].isin(self.options.states)]
        if frame.empty:
            raise NothingToShowError(f"no model of '{results.benchmark}' has such states")
        frame, T = at_length(frame, self.options.T)
        # what is far below the axis would widen it at its other end
        frame = frame.assign(value=frame["value"].clip(lower=LOWEST / 10))
        steps = first_and_last(frame, self.options.most)
        drawing, axes = panels(len(steps))
        for ax, step in zip(axes, steps, strict=True):
            of = frame[frame["step"] == step]
            over_time(ax, of, self.options.states)
            beside(ax, of, [curve for curve in self.options.paper if curve.update == step])
            ax.set_yscale("log")
            ax.set_title(after(step) + fewer(of, frame), fontsize=10)
            ax.set_xlabel("t (steps)")
        one_scale(axes, LOWEST)
        axes[0].set_ylabel("gradient norm, mean over the batch")
        title = f"{plain(results.benchmark)}, trained at {T}{run_at(frame)} ({seeds(frame)})"
        legend(drawing, axes, title)
        return drawing
