"""Small multiples: a panel for each model, where there are more than one panel can tell apart."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import panel_title
from urnn_bench.figures._looks import MOST_LOOKS, ModelStyle, styles_of
from urnn_bench.figures._style import escaped

_MOST_PANELS = 120
_CHOOSE = "choose some with --model or --where"


class Panel(NamedTuple):
    """What one panel shows, of which part of a figure, and which one model; empty if of all."""

    key: Any
    frame: pd.DataFrame
    model: str = ""

    def set_title(self, ax: Axes, title: str, inches: float) -> None:
        """Head the panel with a title, below its model if it is of one."""
        own = panel_title(escaped(self.model), inches) if self.model else ""
        ax.set_title("\n".join(filter(None, (own, title))), fontsize=10)


def of_models(results: Results, parts: Iterable[tuple[Any, pd.DataFrame]]) -> list[Panel]:
    """Return a panel for each part, or for each part and model if there are too many models."""
    panels = [Panel(key, frame) for key, frame in parts]
    if len(results.models) <= MOST_LOOKS:
        return panels
    split = [
        Panel(panel.key, own, str(model))
        for panel in panels
        for model, own in panel.frame.groupby("model", sort=False)
    ]
    if len(split) > _MOST_PANELS:
        raise NothingToShowError(
            f"{len(results.models)} models would need {len(split)} panels, {_MOST_PANELS} can be "
            f"drawn; {_CHOOSE}"
        )
    return split


def share_y_of_parts(axes: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Give the panels of a part the same vertical axis, where there is one for each model."""
    for key in {panel.key for panel in panels if panel.model}:
        same = [ax for ax, panel in zip(axes, panels, strict=True) if panel.key == key]
        lows, highs = zip(*(ax.get_ylim() for ax in same), strict=True)
        for ax in same:
            ax.set_ylim(min(lows), max(highs))


def without_models(entries: Mapping[str, Artist], panels: Sequence[Panel]) -> dict[str, Artist]:
    """Return the entries of a legend without those of models that head a panel."""
    named = tuple({escaped(panel.model) for panel in panels if panel.model})
    of_states = tuple(f"{name}, " for name in named)
    return {
        label: entry
        for label, entry in entries.items()
        if label not in named and not label.startswith(of_states)
    }


def styles_of_one_panel(models: Collection[str]) -> Mapping[str, ModelStyle]:
    """Return every model's look; raise NothingToShowError if one panel cannot show so many."""
    if len(models) > MOST_LOOKS:
        raise NothingToShowError(
            f"{len(models)} models cannot be told apart in one panel, {MOST_LOOKS} can; {_CHOOSE}"
        )
    return styles_of(models)
