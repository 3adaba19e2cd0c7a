"""Where a task is learned at all: the share of seeds that solve it, over length and a grid's key.

One panel for each model and each of its values of the grid's other keys. A square's area is the
share of seeds that solved the task, its colour the median of their updates to solve it. Cells with
a run that ran out of memory or of time are hatched.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator, StrMethodFormatter
from matplotlib.typing import ColorType
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._fitting import legend_columns, panel_title, wrapped
from urnn_bench.figures._grid_keys import (
    GridValue,
    numbers_first,
    value_at,
    value_label,
    with_key,
    without_key,
)
from urnn_bench.figures._panels import panels
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import FINAL, Record
from urnn_bench.spec.types import Config

_EXHAUSTED = {"oom": "out of memory", "timeout": "out of time"}
_HATCHES = {"oom": "xxx", "timeout": "///"}
_UNSOLVED = "0.93"
_COLORS = "viridis_r"
_HATCH_COLOR = "0.45"
_SIDE = 0.94
# the records of every model, by column and row of its panel
_Cells = Mapping[str, Mapping[tuple[int, int], Sequence[Record]]]


class SolvabilityMapOptions(Config):
    """The vertical axis."""

    y: str = Field(
        "optimizer.lr", description="axis of the grid, such as optimizer.lr, task.KEY or model.KEY"
    )


class SolvabilityMap(Figure):
    """Share of solved seeds and updates to solve, over length and a key of the grid."""

    Options = SolvabilityMapOptions
    options: SolvabilityMapOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every model of a benchmark that says when it is solved."""
        records = [r for r in results.records if r.status in {*FINAL, *_EXHAUSTED}]
        if not any(record.run.fit.solved for record in records):
            raise NothingToShowError(
                f"no run of '{results.benchmark}' that has ended says when it is solved; "
                "give it fit.solved"
            )
        records = with_key(records, self.options.y)
        lengths = sorted({record.run.T for record in records})
        values = sorted({value_at(record, self.options.y) for record in records}, key=numbers_first)
        cells = _cells(records, lengths, values, self.options.y)
        drawing, axes = panels(len(cells), width=_panel_inches(lengths))
        norm = _color_scale(records)
        for ax, (model, model_cells) in zip(axes, cells.items(), strict=True):
            for (x, y), cell_records in model_cells.items():
                _draw_cell(ax, x, y, cell_records, norm)
            _label_axes(ax, model, lengths, values)
        axes[0].set_ylabel(escaped(self.options.y))
        _draw_colorbar(drawing, axes, norm)
        _draw_legend(drawing, results.heading, records)
        return drawing


def _panel_inches(lengths: Sequence[int]) -> float:
    """Return the width of a panel and its labels."""
    return 1.1 + 0.55 * len(lengths)


def _color_scale(records: Sequence[Record]) -> LogNorm:
    steps = [record.solved_step for record in records if record.solved_step]
    lowest = min(steps, default=1)
    # a scale has two ends, also if all were solved at one update
    return LogNorm(lowest, max([*steps, 2 * lowest]))


def _cells(
    records: Sequence[Record], lengths: Sequence[int], values: Sequence[GridValue], axis: str
) -> _Cells:
    cells: dict[str, dict[tuple[int, int], list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        position = lengths.index(record.run.T), values.index(value_at(record, axis))
        cells[without_key(record.run.label, axis)][position].append(record)
    return cells


def _draw_cell(ax: Axes, x: int, y: int, records: Sequence[Record], norm: LogNorm) -> None:
    """Draw the runs of one model at one length and one value."""
    ax.add_patch(_filled_square(x, y, _SIDE, _UNSOLVED))
    solved = [record.solved_step for record in records if record.solved_step is not None]
    if solved:
        side = _SIDE * (len(solved) / len(records)) ** 0.5
        ax.add_patch(_filled_square(x, y, side, colormaps[_COLORS](norm(median(solved)))))
    for status, hatch in _HATCHES.items():
        if any(record.status == status for record in records):
            ax.add_patch(_hatched_square(x, y, hatch))
    text = ax.text(x, y, f"{len(solved)}/{len(records)}", ha="center", va="center", fontsize=7)
    text.set_bbox({"facecolor": "white", "alpha": 0.75, "lw": 0, "boxstyle": "round,pad=0.15"})


def _filled_square(x: int, y: int, side: float, color: ColorType) -> Rectangle:
    return Rectangle((x - side / 2, y - side / 2), side, side, color=color, lw=0)


def _hatched_square(x: int, y: int, hatch: str) -> Rectangle:
    corner = x - _SIDE / 2, y - _SIDE / 2
    return Rectangle(corner, _SIDE, _SIDE, fill=False, hatch=hatch, edgecolor=_HATCH_COLOR, lw=0)


def _label_axes(ax: Axes, model: str, lengths: Sequence[int], values: Sequence[GridValue]) -> None:
    ax.set_title(panel_title(escaped(model), _panel_inches(lengths)), fontsize=10)
    ax.set_xticks(range(len(lengths)), [f"{T:,}" for T in lengths])
    ax.set_yticks(range(len(values)), map(value_label, values))
    ax.set_xlim(-0.55, len(lengths) - 0.45)
    ax.set_ylim(-0.55, len(values) - 0.45)
    ax.set_xlabel("T (steps)")
    ax.grid(visible=False)


def _draw_colorbar(drawing: Drawing, axes: Sequence[Axes], norm: LogNorm) -> None:
    bar = drawing.colorbar(
        ScalarMappable(norm, _COLORS),
        ax=axes,
        label="updates to solve (median of the solved)",
        shrink=0.8,
        ticks=LogLocator(subs=(1, 2, 5)),
        format=StrMethodFormatter("{x:,.0f}"),
    )
    bar.minorticks_off()


def _draw_legend(drawing: Drawing, heading: str, records: Sequence[Record]) -> None:
    shown = [status for status in _EXHAUSTED if any(r.status == status for r in records)]
    entries = [Patch(facecolor=_UNSOLVED, label="solved by none")] + [
        Patch(
            facecolor="white",
            edgecolor=_HATCH_COLOR,
            hatch=_HATCHES[status],
            label=_EXHAUSTED[status],
        )
        for status in shown
    ]
    title = f"{escaped(heading)} (area and text: seeds that solved it, of those that ended)"
    drawing.legend(
        handles=entries,
        loc="outside upper center",
        ncols=legend_columns(drawing, [str(entry.get_label()) for entry in entries]),
        title=wrapped(title, drawing),
        title_fontsize=8,
    )
