"""Test loss of every run over length."""

from matplotlib.figure import Figure as Drawing

from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import axis_label, escaped, styles_of
from urnn_bench.figures.base import Figure


class CLASS(Figure):
    """A mark for every seed."""

    def draw(self, results):
        """Draw `results.runs`, a row for each run; `results.metrics` has every measured value."""
        column = f"test_{results.criterion}"
        if column not in results.runs:
            raise NothingToShowError(f"no run of '{results.benchmark}' has been tested yet")
        drawing = Drawing(figsize=(4, 3))
        ax = drawing.subplots()
        styles = styles_of(results.models)
        for model, runs in results.runs.groupby("model", sort=False):
            color, marker = styles[model]
            ax.plot(runs["T"], runs[column], marker, color=color, label=escaped(model))
        ax.set_xlabel("T (steps)")
        ax.set_ylabel(f"test {axis_label(results.criterion)}")
        ax.legend()
        return drawing
