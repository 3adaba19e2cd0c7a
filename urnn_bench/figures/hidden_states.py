"""Whether states grow and when they stop changing: ‖h_t‖ and ‖h_t - h_T‖ over time.

Panels 3 and 4 of Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, at the last
probed update. Norms are over the units of one example, averaged over the batch. The first row shows
the first state of every model, the next row the second ones, dashed, and so on. An LSTM's h cannot
be longer than the root of its width; the published LSTM curve is, so it must be c.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle, styles_of
from urnn_bench.figures._multiples import of_models, share_y_of_parts, without_models
from urnn_bench.figures._panels import (
    add_legend,
    at_length,
    entries_of,
    panels,
    plot_over_time,
    seeds_note,
)
from urnn_bench.figures._paper_points import FROM_PAPER, PaperCurve, draw_paper_curves
from urnn_bench.figures._readings import (
    at_last_update,
    no_such_states,
    probed,
    state_names,
    updates_of,
    without_readings,
)
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

# share of the axis below zero, so that a curve at zero is visible
_MARGIN_BELOW = 0.03
_PANEL_INCHES = 3.4
_PANELS = {"state_norm": "its norm", "distance_to_last": "distance to the last one"}


class ProbeCurve(PaperCurve):
    """Norms or distances of a paper."""

    probe: Literal["state_norm", "distance_to_last"]


class HiddenStatesOptions(Config):
    """What is drawn."""

    states: list[str] | None = Field(
        None, description="names of states, a row each; all if not given, in a row by their order"
    )
    T: int | None = Field(None, description="trained length; the longest if not given")
    paper: list[ProbeCurve] = Field([], description="points read off a paper's curves")


class HiddenStates(Figure):
    """Norms of states over t."""

    Options = HiddenStatesOptions
    options: HiddenStatesOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run, at the last update that its model was probed."""
        options = self.options
        readings = {probe: at_length(probed(results, probe), options.T) for probe in _PANELS}
        frames = {probe: at_last_update(frame) for probe, (frame, _) in readings.items()}
        # a row for each state, as an LSTM's c can be a hundred times as long as its h
        shown = pd.concat([_in_rows(frame, options.states) for frame in frames.values()])
        if shown.empty:
            raise NothingToShowError(no_such_states(results, frames["state_norm"]))
        rows = of_models(results, shown.groupby("row"))
        columns = len(_PANELS) * (2 if rows[0].model else 1)
        drawing, axes = panels(len(rows) * len(_PANELS), columns=columns, width=_PANEL_INCHES)
        styles = styles_of(results.models)
        for ax, (row, probe) in zip(axes, product(rows, _PANELS), strict=True):
            self._panel(ax, row.frame, probe, styles)
            title = f"{escaped(state_names(row.frame))}: {_PANELS[probe]}"
            row.set_title(ax, title, _PANEL_INCHES)
        for first in range(len(_PANELS)):
            share_y_of_parts(axes[first :: len(_PANELS)], rows)
        for ax in axes[::columns]:
            ax.set_ylabel("2-norm, mean over the batch")
        frame, (_, T) = frames["state_norm"], readings["state_norm"]
        lengths = " or ".join(f"{n:,}" for n in sorted(frame["length"].unique()))
        title = f"trained at {T} for {updates_of(frame)} updates, run at T = {lengths}"
        title = f"{escaped(results.heading)}: {title} ({seeds_note(frame)})"
        entries = without_models(entries_of(axes, (FROM_PAPER,)), rows)
        add_legend(drawing, entries, title, without_readings(results, shown, frame, options.states))
        return drawing

    def _panel(
        self, ax: Axes, row: pd.DataFrame, probe: str, styles: Mapping[str, ModelStyle]
    ) -> None:
        readings = row[row["probe"] == probe]
        plot_over_time(ax, readings, styles)
        from_paper = [curve for curve in self.options.paper if curve.probe == probe]
        draw_paper_curves(ax, readings, from_paper, styles)
        ax.set_ylim(bottom=-_MARGIN_BELOW * ax.get_ylim()[1])
        ax.set_xlabel("t (steps)")


def _in_rows(frame: pd.DataFrame, states: Sequence[str] | None) -> pd.DataFrame:
    """Return the readings that are shown, with the row of each: of its name, or of its position."""
    if states is None:
        return frame.assign(row=frame["position"])
    named = frame[frame["state"].isin(states)]
    return named.assign(row=named["state"].map(list(states).index))
