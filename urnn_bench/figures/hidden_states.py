"""Whether states grow and when they stop changing: ‖h_t‖ and ‖h_t - h_T‖ over time.

Panels 3 and 4 of Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, at the last update
looked at. Norms are over the units of one example, averaged over the batch. An LSTM's h cannot be
longer than the root of its width; the published LSTM curve is, so it must be c, which is dashed
here.
"""

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import at_length, legend, over_time, panels, probed, seeds
from urnn_bench.figures._read_off import OverTime, beside
from urnn_bench.figures._style import plain
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_BELOW = 0.03  # of the axis, so that what is at zero is seen
_PANELS = {"state_norm": "its norm", "distance_to_last": "distance to the last one"}


class OfProbe(OverTime):
    """Norms or distances that a paper shows."""

    probe: Literal["state_norm", "distance_to_last"]


class HiddenStatesOptions(Config):
    """What is drawn."""

    states: list[str] = Field(["h", "c"], description="which states; c is an LSTM's cell")
    T: int | None = Field(None, description="trained length; the longest if not given")
    paper: list[OfProbe] = Field([], description="points read off a paper's curves")


class HiddenStates(Figure):
    """Norms of states over t."""

    Options = HiddenStatesOptions
    options: HiddenStatesOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was looked into, as it was when it was looked into last."""
        found = {probe: at_length(probed(results, probe), self.options.T) for probe in _PANELS}
        frames = {probe: _last(frame) for probe, (frame, _) in found.items()}
        known = {state for frame in frames.values() for state in frame["state"]}
        # a row for each, as an LSTM's c can be a hundred times as long as its h
        states = [state for state in self.options.states if state in known]
        if not states:
            raise NothingToShowError(
                f"no model of '{results.benchmark}' has such states; "
                f"there are: {', '.join(sorted(known))}"
            )
        drawing, axes = panels(len(states) * len(_PANELS), columns=len(_PANELS), width=3.4)
        each = ((state, probe) for state in states for probe in frames)
        for ax, (state, probe) in zip(axes, each, strict=True):
            self._panel(ax, frames[probe], state, probe)
        for ax in axes[:: len(_PANELS)]:
            ax.set_ylabel("2-norm, mean over the batch")
        frame, (_, T) = frames["state_norm"], found["state_norm"]
        lengths = " or ".join(f"{n:,}" for n in sorted(frame["length"].unique()))
        title = f"trained at {T} for {_updates(frame)} updates, run at T = {lengths}"
        legend(drawing, axes, f"{plain(results.benchmark)}: {title} ({seeds(frame)})")
        return drawing

    def _panel(self, ax: Axes, frame: pd.DataFrame, state: str, probe: str) -> None:
        of = frame[frame["state"] == state]
        over_time(ax, of, [state])
        beside(ax, of, [curve for curve in self.options.paper if curve.probe == probe])
        ax.set_ylim(bottom=-_BELOW * ax.get_ylim()[1])
        ax.set_xlabel("t (steps)")
        ax.set_title(f"{state}: {_PANELS[probe]}", fontsize=10)


def _last(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what was read of a model when it was looked into last, by the runs that got there."""
    return frame[frame["step"] == frame.groupby("model")["step"].transform("max")]


def _updates(frame: pd.DataFrame) -> str:
    """Return after how many updates the states are, by model where models differ."""
    steps = {
        model: " or ".join(f"{s:,}" for s in sorted(of["step"].unique()))
        for model, of in frame.groupby("model", sort=False)
    }
    if len(set(steps.values())) == 1:
        return next(iter(steps.values()))
    return ", ".join(f"{count} ({plain(str(model))})" for model, count in steps.items())
