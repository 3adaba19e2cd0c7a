"""Where a task is learned at all: the share of seeds that solve it, over length and learning rate.

A panel for each model of a grid. A square's area is the share of seeds that solved the task, its
colour the median of the updates that those took; hatched is what ran out of memory or of time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator, StrMethodFormatter
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import panels
from urnn_bench.figures._style import plain
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import FINAL, Record
from urnn_bench.spec.benchmark import GRID_SEPARATOR
from urnn_bench.spec.types import Config

_EXHAUSTED = {"oom": "out of memory", "timeout": "out of time"}
_HATCHES = {"oom": "xxx", "timeout": "///"}
_UNSOLVED = "0.93"
_COLORS = "viridis_r"
# by model, then by the places of length and axis
_Cells = Mapping[str, Mapping[tuple[int, int], Sequence[Record]]]


class SolvabilityMapOptions(Config):
    """What is drawn."""

    y: str = Field("optimizer.lr", description="key of fit over which the grid goes")


class SolvabilityMap(Figure):
    """Share of solved seeds and updates to solve, over length and a key of fit."""

    Options = SolvabilityMapOptions
    options: SolvabilityMapOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every model of a benchmark that says when it is solved."""
        records = [r for r in results.records if r.status in {*FINAL, *_EXHAUSTED}]
        if not any(r.run.fit.solved for r in records):
            raise NothingToShowError(
                f"no run of '{results.benchmark}' that has ended says when it is solved; "
                "give it fit.solved"
            )
        lengths = sorted({r.run.T for r in records})
        values = sorted({_at(r, self.options.y) for r in records})
        cells = _cells(records, lengths, values, self.options.y)
        drawing, axes = panels(len(cells), width=1.1 + 0.55 * len(lengths))
        steps = [r.solved_step for r in records if r.solved_step]
        norm = LogNorm(min(steps, default=1), max([*steps, 2]))
        for ax, (model, of) in zip(axes, cells.items(), strict=True):
            for (x, y), runs in of.items():
                _draw(ax, x, y, runs, norm)
            _label(ax, model, lengths, values)
        axes[0].set_ylabel(self.options.y)
        colors = ScalarMappable(norm, _COLORS)
        bar = drawing.colorbar(
            colors,
            ax=axes,
            label="updates to solve (median of the solved)",
            shrink=0.8,
            ticks=LogLocator(subs=(1, 2, 5)),
            format=StrMethodFormatter("{x:,.0f}"),
        )
        bar.minorticks_off()
        _legend(drawing, results.benchmark, records)
        return drawing


def _at(record: Record, path: str) -> float:
    """Return what ``fit`` has at a dotted path; raise NothingToShowError if that is no number."""
    value: Any = record.run.fit.model_dump()
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, int | float):
        raise NothingToShowError(f"{record.run.label}: fit.{path} is not a number: {value}")
    return float(value)


def _cells(
    records: Sequence[Record], lengths: Sequence[int], values: Sequence[float], path: str
) -> _Cells:
    cells: dict[str, dict[tuple[int, int], list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        place = lengths.index(record.run.T), values.index(_at(record, path))
        cells[record.run.label.partition(GRID_SEPARATOR)[0]][place].append(record)
    return cells


def _draw(ax: Axes, x: int, y: int, runs: Sequence[Record], norm: LogNorm) -> None:
    """Draw the runs of one model at one length and one value."""
    ax.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, color=_UNSOLVED, lw=0))
    solved = [r.solved_step for r in runs if r.solved_step is not None]
    if solved:
        side = 0.94 * (len(solved) / len(runs)) ** 0.5
        color = colormaps[_COLORS](norm(median(solved)))
        ax.add_patch(Rectangle((x - side / 2, y - side / 2), side, side, color=color, lw=0))
    for status, hatch in _HATCHES.items():
        if any(r.status == status for r in runs):
            ax.add_patch(
                Rectangle(
                    (x - 0.47, y - 0.47),
                    0.94,
                    0.94,
                    fill=False,
                    hatch=hatch,
                    edgecolor="0.45",
                    lw=0,
                )
            )
    text = ax.text(x, y, f"{len(solved)}/{len(runs)}", ha="center", va="center", fontsize=7)
    text.set_bbox({"facecolor": "white", "alpha": 0.75, "lw": 0, "boxstyle": "round,pad=0.15"})


def _label(ax: Axes, model: str, lengths: Sequence[int], values: Sequence[float]) -> None:
    ax.set_title(plain(model), fontsize=10)
    ax.set_xticks(range(len(lengths)), [f"{T:,}" for T in lengths])
    ax.set_yticks(range(len(values)), [f"{value:g}" for value in values])
    ax.set_xlim(-0.55, len(lengths) - 0.45)
    ax.set_ylim(-0.55, len(values) - 0.45)
    ax.set_xlabel("T (steps)")
    ax.grid(visible=False)


def _legend(drawing: Drawing, benchmark: str, records: Sequence[Record]) -> None:
    seen = [status for status in _EXHAUSTED if any(r.status == status for r in records)]
    entries = [Patch(facecolor=_UNSOLVED, label="solved by none")] + [
        Patch(facecolor="white", edgecolor="0.45", hatch=_HATCHES[s], label=_EXHAUSTED[s])
        for s in seen
    ]
    title = f"{plain(benchmark)} (area and text: seeds that solved it, of those that ended)"
    drawing.legend(
        handles=entries,
        loc="outside upper center",
        ncols=len(entries),
        title=title,
        title_fontsize=8,
    )
