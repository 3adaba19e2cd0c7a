"""How far the gradient reaches back: its norm at every step, one panel for each probed update.

Panels 1 and 2 of Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, which show the
start and the hundredth update. ‖∂C/∂h_t‖ is the total derivative of each example's loss, the mean
over the batch of its 2-norm over the units; h is a model's first state, and a second one, such as
an LSTM's c, is dashed. Norms are computed in
float64, so values below the axis have not underflowed.
"""

from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._looks import styles_of
from urnn_bench.figures._multiples import of_models, without_models
from urnn_bench.figures._panels import (
    MIN_NORM,
    PANEL_INCHES,
    add_legend,
    at_length,
    entries_of,
    fewer_seeds_note,
    panels,
    plot_over_time,
    probe_length_note,
    seeds_note,
    select_updates,
    share_y_axis,
    title_after,
)
from urnn_bench.figures._paper_points import FROM_PAPER, PaperCurve, draw_paper_curves
from urnn_bench.figures._readings import of_states, probed, without_readings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config


class GradientCurve(PaperCurve):
    """Gradient norms of a paper after an update."""

    update: int = Field(ge=0)


class GradientNormsOptions(Config):
    """What is drawn."""

    states: list[str] | None = Field(
        None, description="names of states; each model's first one if not given"
    )
    T: int | None = Field(None, description="trained length; the longest if not given")
    paper: list[GradientCurve] = Field([], description="points read off a paper's curves")
    most: int = Field(4, ge=1, description="panels: the first probed updates and the last one")


class GradientNorms(Figure):
    """‖∂C/∂h_t‖ over t."""

    Options = GradientNormsOptions
    options: GradientNormsOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run."""
        readings = probed(results, "gradient_norm")
        frame, T = at_length(of_states(results, readings, self.options.states), self.options.T)
        note = without_readings(results, frame, readings, self.options.states)
        # values far below the axis would stretch it at the top
        frame = frame.assign(value=frame["value"].clip(lower=MIN_NORM / 10))
        steps, styles = select_updates(frame, self.options.most), styles_of(results.models)
        shown_panels = of_models(results, ((step, frame[frame["step"] == step]) for step in steps))
        drawing, axes = panels(len(shown_panels))
        for ax, panel in zip(axes, shown_panels, strict=True):
            step, shown = panel.key, panel.frame
            plot_over_time(ax, shown, styles)
            from_paper = [curve for curve in self.options.paper if curve.update == step]
            draw_paper_curves(ax, shown, from_paper, styles)
            ax.set_yscale("log")
            panel.set_title(ax, title_after(step) + fewer_seeds_note(shown, frame), PANEL_INCHES)
            ax.set_xlabel("t (steps)")
        share_y_axis(axes, MIN_NORM)
        axes[0].set_ylabel("gradient norm, mean over the batch")
        title = f"{escaped(results.heading)}, trained at {T}{probe_length_note(frame)}"
        entries = without_models(entries_of(axes, (FROM_PAPER,)), shown_panels)
        add_legend(drawing, entries, f"{title} ({seeds_note(frame)})", note)
        return drawing
