"""Networks as boxes from the input to the readout, with sizes, recurrence, edges and scores.

A panel for each model, of its run with the best validation loss, the best model first. A coloured
box has recurrence. Where a record says what is inside a cell, its layers are drawn, and the states
of its unit beside them. After a search its best trial is drawn, with what it chose. Scores are
those of the best weights of the run that is drawn.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.trials import VALUE, axes_of, complete
from urnn_bench.errors import DamagedRecordError, NothingToShowError, near_miss
from urnn_bench.figures._fitting import fitted, wrapped
from urnn_bench.figures._network import Diagram, diagram_of
from urnn_bench.figures._network_drawing import Size, draw_network, size_of
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._search import short_names
from urnn_bench.figures._style import axis_label, escaped
from urnn_bench.figures.base import Figure
from urnn_bench.records.record import Record
from urnn_bench.spec.types import Config, Count

# of a drawing
_LEAST_INCHES, _WIDEST_INCHES = 4.0, 11.5
# around the boxes of a panel, and above all panels
_BESIDE_INCHES, _BELOW_INCHES, _ABOVE_INCHES = 0.55, 1.15, 0.45
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


class NetworkDiagramOptions(Config):
    """Which networks, and which score."""

    model: str | None = Field(None, description="the one that is drawn; the best ones if not given")
    most: Count = Field(4, description="how many models are drawn", le=50)
    metric: str | None = Field(None, description="what is said of scores; the loss if not given")


class NetworkDiagram(Figure):
    """What each network is made of."""

    Options = NetworkDiagramOptions
    options: NetworkDiagramOptions

    def draw(self, results: Results) -> Drawing:
        """Draw the best run of each model."""
        best = _best_runs(results)
        searched = None if self.options.model else _best_trial(results, best)
        runs = {searched.label: best[searched.label]} if searched else self._chosen(best)
        diagrams = {name: diagram_of(results.records[i]) for name, i in runs.items()}
        drawing, axes = _panels([size_of(diagram) for diagram in diagrams.values()])
        for ax, (name, index) in zip(axes, runs.items(), strict=True):
            record, diagram = results.records[index], diagrams[name]
            draw_network(ax, diagram)
            self._label(ax, results, index, record, diagram)
        note = not_shown(results, runs, lambda _: "not among the best")
        what = "the best trial of the search" if searched else "the best run of each model"
        title = [escaped(f"{results.heading}: {what}"), "" if searched else note]
        drawing.suptitle("\n".join(wrapped(t, drawing) for t in title if t), fontsize=8)
        if searched:
            chosen = f"chosen by the search: {searched.values}"
            chosen = fitted(escaped(chosen), drawing.get_figwidth() - 0.4, 9)
            drawing.supxlabel(chosen, fontsize=8, fontweight="bold")
            drawing.set_figheight(drawing.get_figheight() + 0.3 + 0.14 * chosen.count("\n"))
        return drawing

    def _chosen(self, runs: dict[str, int]) -> dict[str, int]:
        """Return the models that are drawn; raise NothingToShowError for one without a score."""
        model = self.options.model
        if model is None:
            return dict(list(runs.items())[: self.options.most])
        if model not in runs:
            hint = near_miss(model, list(runs)) or f"; there are: {', '.join(runs)}"
            raise NothingToShowError(f"there is no scored run of '{escaped(model)}'{hint}")
        return {model: runs[model]}

    def _label(
        self, ax: Axes, results: Results, index: int, record: Record, diagram: Diagram
    ) -> None:
        inches = size_of(diagram).width
        run = record.run
        title = f"{run.label}, T = {run.T:,}, seed {run.seed}"
        ax.set_title(fitted(escaped(title), inches, 10), fontsize=10)
        lines = [_sizes(record), self._scores(results, index, record), diagram.note]
        caption = "\n".join(fitted(line, inches, 8) for line in lines if line)
        ax.set_xlabel(caption, fontsize=8)
        ax.set_ylabel("layer")

    def _scores(self, results: Results, index: int, record: Record) -> str:
        metric = self.options.metric or results.criterion
        test = (record.test or {}).get(metric)
        values = {"validation": validation_of(results, index, metric), "test": test}
        said = [f"{name} {value:.3g}" for name, value in values.items() if value is not None]
        return f"{axis_label(metric)}: {', '.join(said) or 'none'}"


def validation_of(results: Results, index: int, metric: str) -> float | None:
    """Return the validation score of a run's best weights, None if there is none."""
    record, folder = results.records[index], results.folders[index]
    rows = results.metrics
    own = rows[(rows["run"] == folder.name) & (rows["split"] == "validation")]
    own = own[(own["metric"] == metric) & (own["step"] == record.best_step)]
    return None if own.empty else float(own["value"].iloc[-1])


def _best_runs(results: Results) -> dict[str, int]:
    """Return the index of the best run of each model, the best model first."""
    losses = [validation_of(results, i, results.criterion) for i in range(len(results.records))]
    scored = [i for i, loss in enumerate(losses) if loss is not None]
    if not scored:
        raise NothingToShowError(f"no run of '{results.benchmark}' has a validation score yet")
    runs: dict[str, int] = {}
    for i in sorted(scored, key=lambda i: inf if (loss := losses[i]) is None else loss):
        runs.setdefault(results.records[i].run.label, i)
    return runs


class _Searched(NamedTuple):
    """The best trial of all searches: the label of its runs, and the values of its axes."""

    label: str
    values: str


def _best_trial(results: Results, runs: Mapping[str, int]) -> _Searched | None:
    """Return the trial with the lowest loss whose run is there, None if there is none."""
    try:
        trials = complete(results.trials)
    except DamagedRecordError:
        # the records can be drawn without
        return None
    trials = trials[trials["label"].isin(list(runs))]
    if trials.empty:
        return None
    best = trials.nsmallest(1, "loss")
    names = short_names(axes_of(best))
    values = (f"{name} {_plain(best[f'{VALUE}{axis}'].item())}" for axis, name in names.items())
    return _Searched(str(best["label"].item()), ", ".join(values))


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sizes(record: Record) -> str:
    """Return the parameters and the operations that are known."""
    parameters = [] if record.parameters is None else [f"{record.parameters:,} parameters"]
    flops = record.network.flops if record.network else None
    return ", ".join(parameters + ([] if flops is None else [f"{_short(flops)} operations a step"]))


def _short(number: float) -> str:
    unit = next(((size, name) for size, name in _UNITS if number >= size), None)
    return f"{number / unit[0]:.3g} {unit[1]}" if unit else f"{number:.0f}"


class _Grid(NamedTuple):
    """The inches of the columns and rows of panels."""

    widths: list[float]
    heights: list[float]


def _grid(sizes: Sequence[Size]) -> _Grid:
    """Return as many columns as are not too wide together to be read on a page."""
    for columns in range(len(sizes), 0, -1):
        widths = [max(size.width for size in sizes[i::columns]) for i in range(columns)]
        if columns == 1 or sum(widths) + _BESIDE_INCHES * columns <= _WIDEST_INCHES:
            break
    rows = [sizes[i : i + columns] for i in range(0, len(sizes), columns)]
    return _Grid(widths, [max(size.height for size in row) for row in rows])


def _panels(sizes: Sequence[Size]) -> tuple[Drawing, list[Axes]]:
    """Return a drawing whose panels have the inches that their diagrams take."""
    widths, heights = _grid(sizes)
    width = sum(widths) + _BESIDE_INCHES * len(widths)
    height = sum(heights) + _BELOW_INCHES * len(heights) + _ABOVE_INCHES
    drawing = Drawing(figsize=(max(_LEAST_INCHES, width), height))
    axes = drawing.subplots(
        len(heights), len(widths), squeeze=False, width_ratios=widths, height_ratios=heights
    )
    for ax in axes.flat[len(sizes) :]:
        ax.set_visible(False)
    for ax, i in zip(axes.flat, range(len(sizes)), strict=False):
        ax.set_ylim(0, heights[i // len(widths)])
    return drawing, list(axes.flat[: len(sizes)])
