"""How far the gradient reaches back: its norm at every step, one panel for each probed update.

Panels 1 and 2 of Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, which show the
start and the hundredth update. ‖∂C/∂h_t‖ is the total derivative of each example's loss, the mean
over the batch of its 2-norm over the units; dashed for a cell state c. Norms are computed in
float64, so values below the axis have not underflowed.
"""

from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import (
    MIN_NORM,
    at_length,
    fewer_seeds_note,
    legend,
    panels,
    plot_over_time,
    probe_length_note,
    probed,
    seeds_note,
    select_updates,
    share_y_axis,
    title_after,
)
from urnn_bench.figures._paper_points import PaperCurve, draw_paper_curves
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class GradientCurve(PaperCurve):
    """Gradient norms of a paper after an update."""

    update: int = Field(ge=0)


class GradientNormsOptions(Config):
    """What is drawn."""

    states: list[str] = Field(["h"], description="which states; c is an LSTM's cell")
    T: int | None = Field(None, description="trained length; the longest if not given")
    paper: list[GradientCurve] = Field([], description="points read off a paper's curves")
    most: int = Field(4, ge=1, description="panels: the first probed updates and the last one")


class GradientNorms(Figure):
    """‖∂C/∂h_t‖ over t."""

    Options = GradientNormsOptions
    options: GradientNormsOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run."""
        frame = probed(results, "gradient_norm")
        frame = frame[frame["state"].isin(self.options.states)]
        if frame.empty:
            raise NothingToShowError(f"no model of '{results.benchmark}' has such states")
        frame, T = at_length(frame, self.options.T)
        # values far below the axis would stretch it at the top
        frame = frame.assign(value=frame["value"].clip(lower=MIN_NORM / 10))
        steps = select_updates(frame, self.options.most)
        drawing, axes = panels(len(steps))
        for ax, step in zip(axes, steps, strict=True):
            readings = frame[frame["step"] == step]
            plot_over_time(ax, readings, self.options.states)
            from_paper = [curve for curve in self.options.paper if curve.update == step]
            draw_paper_curves(ax, readings, from_paper)
            ax.set_yscale("log")
            ax.set_title(title_after(step) + fewer_seeds_note(readings, frame), fontsize=10)
            ax.set_xlabel("t (steps)")
        share_y_axis(axes, MIN_NORM)
        axes[0].set_ylabel("gradient norm, mean over the batch")
        title = f"{escaped(results.benchmark)}, trained at {T}{probe_length_note(frame)}"
        legend(drawing, axes, f"{title} ({seeds_note(frame)})")
        return drawing
