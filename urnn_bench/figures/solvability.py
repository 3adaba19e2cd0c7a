"""How long a memory can be learned: the share of seeds that solved the task at every length.

Bars are Wilson's 95 % intervals: of five seeds, none means 0 to 43 %, and all means 57 to 100 %.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import proportion
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle
from urnn_bench.figures._multiples import styles_of_one_panel
from urnn_bench.figures._panels import count_seeds, ended, legend, set_length_axis
from urnn_bench.figures._readings import not_shown
from urnn_bench.figures._style import escaped
from urnn_bench.figures.base import Figure

# between the models of a length, and all models together; lengths are 1 apart
_SPACING, _MAX_WIDTH = 0.12, 0.7


class Solvability(Figure):
    """The share of solved seeds over length."""

    def draw(self, results: Results) -> Drawing:
        """Draw every model of a benchmark that says when it is solved."""
        if not any(record.run.fit.solved for record in results.records):
            raise NothingToShowError(
                f"'{results.benchmark}' does not say when it is solved; give it fit.solved"
            )
        finished = ended(results)
        if finished.empty:
            raise NothingToShowError(f"no run of '{results.benchmark}' has ended yet")
        drawing = Drawing(figsize=(5.4, 3.2))
        ax = drawing.subplots()
        lengths = sorted(int(T) for T in finished["T"].unique())
        styles = styles_of_one_panel(results.models)
        models = list(finished.groupby("model", sort=False))
        # models are drawn side by side, as equal shares would hide one another
        spacing = min(_SPACING, _MAX_WIDTH / len(models))
        for index, (model, runs) in enumerate(models):
            offset = spacing * (index - (len(models) - 1) / 2)
            place = {T: x + offset for x, T in enumerate(lengths)}
            _draw_model(ax, str(model), styles[str(model)], runs, place)
        set_length_axis(ax, lengths)
        ax.set_ylabel("share of seeds that solved it")
        ax.set_ylim(-0.03, 1.03)
        title = f"{escaped(results.heading)} ({count_seeds(finished)}, bars: 95 % intervals)"
        note = not_shown(results, finished["model"], lambda _: "no run has ended")
        legend(drawing, [ax], title, note)
        return drawing


def _draw_model(
    ax: Axes, model: str, style: ModelStyle, runs: pd.DataFrame, place: Mapping[int, float]
) -> None:
    """Draw the share of solved seeds of every length at its place on the axis."""
    color, marker = style
    own_lengths = sorted(int(T) for T in runs["T"].unique())
    solved = [runs[runs["T"] == T]["solved_step"].notna() for T in own_lengths]
    shares = [proportion(int(seeds.sum()), len(seeds)) for seeds in solved]
    values = np.array([share.value for share in shares])
    bars = [values - [share.low for share in shares], [share.high for share in shares] - values]
    ax.errorbar(
        [place[T] for T in own_lengths],
        values,
        yerr=np.clip(bars, 0, None),
        color=color,
        marker=marker,
        capsize=2,
        lw=1.2,
        label=escaped(model),
    )
