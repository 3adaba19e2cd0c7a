"""Where in a deep network something is kept: the norm of the states over time, a panel a layer.

The layer of a state is the number at the end of its name, as in h_2; layers are counted from the
input up, and a model of which a state has no number is a network of one layer. The first state of a
layer is solid, a second one, such as an LSTM's c, is dashed. Norms are over all units of a state
of one example, averaged over the batch, at the last probed update.
"""

import re

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.figures._looks import styles_of
from urnn_bench.figures._multiples import of_models, share_y_of_parts, without_models
from urnn_bench.figures._panels import (
    PANEL_INCHES,
    add_legend,
    at_length,
    entries_of,
    panels,
    plot_over_time,
    probe_length_note,
    seeds_note,
)
from urnn_bench.figures._readings import at_last_update, probed, updates_of, without_readings
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_COLUMNS = 3
_NUMBERED = re.compile(r"(?P<kind>.+)_(?P<layer>\d+)")


class StateNormsByLayerOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class StateNormsByLayer(Figure):
    """Norms of the states of every layer over t."""

    Options = StateNormsByLayerOptions
    options: StateNormsByLayerOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every probed run, at the last update that its model was probed."""
        readings = probed(results, "state_norm")
        frame, T = at_length(readings, self.options.T)
        frame, styles = by_layer(at_last_update(frame)), styles_of(results.models)
        layers = of_models(results, frame.groupby("layer"))
        drawing, axes = panels(len(layers), columns=_COLUMNS)
        for ax, layer in zip(axes, layers, strict=True):
            plot_over_time(ax, layer.frame, styles)
            ax.set_ylim(bottom=0)
            layer.set_title(ax, f"layer {layer.key}", PANEL_INCHES)
            ax.set_xlabel("t (steps)")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        share_y_of_parts(axes, layers)
        for ax in axes[::_COLUMNS]:
            ax.set_ylabel("2-norm, mean over the batch")
        title = f"trained at {T} for {updates_of(frame)} updates{probe_length_note(frame)}"
        title = f"{escaped(results.heading)}: {title} ({seeds_note(frame)})"
        entries = without_models(entries_of(axes, ()), layers)
        add_legend(drawing, entries, title, without_readings(results, frame, readings, None))
        return drawing


def by_layer(frame: pd.DataFrame) -> pd.DataFrame:
    """Return readings with the layer of each state, named without its number.

    ``position`` then counts the states of a model's layer from 0.
    """
    pairs = frame[["model", "state"]].drop_duplicates()
    parts = [_layers(str(model), states) for model, states in pairs.groupby("model", sort=False)]
    named = frame.drop(columns="position").merge(pd.concat(parts), on=["model", "state"])
    return named.assign(state=named.pop("kind"))


def _layers(model: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the states of one model with the layer, the name there and the position of each.

    All are of layer 1 unless each has a number.
    """
    states = [str(state) for state in pairs["state"]]
    found = [_NUMBERED.fullmatch(state) for state in states]
    numbered = [(match["kind"], int(match["layer"])) for match in found if match]
    named = numbered if len(numbered) == len(states) else [(state, 1) for state in states]
    layers = pd.DataFrame(named, columns=["kind", "layer"]).assign(model=model, state=states)
    return layers.assign(position=layers.groupby("layer").cumcount())
