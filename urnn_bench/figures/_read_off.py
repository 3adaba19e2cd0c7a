"""Points read off a paper's figures, drawn as stars among our curves."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import pandas as pd
from matplotlib.axes import Axes
from pydantic import Field

from urnn_bench.figures._style import plain, style_of
from urnn_bench.spec.types import Config, Count

Point = Annotated[list[float], Field(min_length=2, max_length=2)]
READ_OFF = "(paper, read off)"
_STARS: dict[str, Any] = {"markersize": 11, "markerfacecolor": "white", "zorder": 5}


class OverTime(Config):
    """Points [t, value] of one of a paper's curves over a sequence."""

    model: str
    length: Count = Field(description="steps that the paper ran its network over")
    state: str = "h"
    points: list[Point]


def stars(ax: Axes, model: str, points: Sequence[Sequence[float]]) -> None:
    """Draw a paper's points in the colour of the model that they are of."""
    if points:
        xs, values = zip(*points, strict=True)
        name = f"{plain(model)} {READ_OFF}"
        ax.plot(xs, values, "*", color=style_of(model).color, label=name, **_STARS)


def beside(ax: Axes, frame: pd.DataFrame, read_off: Iterable[OverTime]) -> None:
    """Draw the points of models that ``frame`` has as well, run over as many steps."""
    ours = set(zip(frame["model"], frame["state"], frame["length"], strict=True))
    for curve in read_off:
        if (curve.model, curve.state, curve.length) in ours:
            stars(ax, curve.model, curve.points)
