"""How long a memory can be learned: the share of seeds that solved the task at every length.

Bars are Wilson's 95 % intervals: of five seeds, none means 0 to 43 %, and all means 57 to 100 %.
"""

import numpy as np
from matplotlib.figure import Figure as Drawing

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import proportion
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import ended, legend, many, over_lengths
from urnn_bench.figures._style import plain, style_of
from urnn_bench.figures.base import Figure

# models beside each other at a length, which is one wide
_APART, _WIDEST = 0.12, 0.7


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
        models = list(finished.groupby("model", sort=False))
        for index, (model, runs) in enumerate(models):
            color, marker = style_of(str(model))
            at = sorted(int(T) for T in runs["T"].unique())
            solved = [runs[runs["T"] == T]["solved_step"].notna() for T in at]
            found = [proportion(int(of.sum()), len(of)) for of in solved]
            value = np.array([share.value for share in found])
            reach = [value - [s.low for s in found], [s.high for s in found] - value]
            # beside each other, as equal shares would hide one another
            places = np.array([lengths.index(T) for T in at])
            apart = min(_APART, _WIDEST / len(models))
            places = places + apart * (index - (len(models) - 1) / 2)
            ax.errorbar(
                places,
                value,
                yerr=np.clip(reach, 0, None),
                color=color,
                marker=marker,
                capsize=2,
                lw=1.2,
                label=plain(str(model)),
            )
        over_lengths(ax, lengths)
        ax.set_ylabel("share of seeds that solved it")
        ax.set_ylim(-0.03, 1.03)
        title = f"{plain(results.benchmark)} ({many(finished)}, bars: 95 % intervals)"
        legend(drawing, [ax], title)
        return drawing
