"""Points read off a paper's figures, drawn as stars among our curves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import pandas as pd
from matplotlib.axes import Axes
from pydantic import Field

from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._style import escaped
from urnn_bench.spec.types import Config, Count

Point = Annotated[list[float], Field(min_length=2, max_length=2)]
FROM_PAPER = "(paper, read off)"


class PaperCurve(Config):
    """Points [t, value] of one of a paper's curves over a sequence."""

    model: str
    length: Count = Field(description="steps of the sequence in the paper")
    state: str = "h"
    points: list[Point]


def draw_points(ax: Axes, model: str, color: str, points: Sequence[Sequence[float]]) -> None:
    """Draw a paper's points for a model in the model's colour."""
    if not points:
        return
    xs, ys = zip(*points, strict=True)
    ax.plot(
        xs,
        ys,
        "*",
        color=color,
        label=f"{escaped(model)} {FROM_PAPER}",
        markersize=11,
        markerfacecolor="white",
        zorder=5,
    )


def draw_paper_curves(
    ax: Axes,
    frame: pd.DataFrame,
    curves: Iterable[PaperCurve],
    styles: Mapping[str, ModelStyle],
) -> None:
    """Draw the points of the models and states in ``frame`` that have the same length."""
    recorded = set(zip(frame["model"], frame["state"], frame["length"], strict=True))
    for curve in curves:
        if (curve.model, curve.state, curve.length) in recorded:
            draw_points(ax, curve.model, styles[curve.model].color, curve.points)
