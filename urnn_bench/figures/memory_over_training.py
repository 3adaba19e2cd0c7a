"""What training does to the memory: the memory horizon and the leading Lyapunov exponent.

The horizon is the longest lag from which a gradient comes back, the exponent how fast neighbouring
states part or meet, in nats a step; one panel each, over updates, of h. The median ends where the
first seed has.
"""

from matplotlib.figure import Figure as Drawing
from pydantic import Field

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import at_length, legend, panels, run_at, seeds
from urnn_bench.figures._style import plain, style_of
from urnn_bench.figures.base import Figure
from urnn_bench.spec.types import Config

_PANELS = {
    "memory_horizon_h": "memory horizon (steps)",
    "lyapunov": "Lyapunov exponent (nat / step)",
}
_FEWEST = 2


class MemoryOverTrainingOptions(Config):
    """What is drawn."""

    T: int | None = Field(None, description="trained length; the longest if not given")


class MemoryOverTraining(Figure):
    """Single numbers that probes read, over updates."""

    Options = MemoryOverTrainingOptions
    options: MemoryOverTrainingOptions

    def draw(self, results: Results) -> Drawing:
        """Draw every run that was looked into at two updates or more."""
        frame = results.metrics.query("split == 'probe'")
        frame = frame[frame["metric"].isin(_PANELS)]
        if frame.empty or frame["step"].nunique() < _FEWEST:
            raise NothingToShowError(
                f"no run of '{results.benchmark}' was looked into at {_FEWEST} updates; make some "
                f"with: {results.command} --probe --set probes.every=100"
            )
        frame, T = at_length(frame, self.options.T)
        drawing, axes = panels(len(_PANELS), width=3.4)
        for ax, (metric, name) in zip(axes, _PANELS.items(), strict=True):
            for model, of in frame[frame["metric"] == metric].groupby("model", sort=False):
                color, marker = style_of(str(model))
                curves = of.pivot_table(index="step", columns="run", values="value")
                if curves.shape[1] > 1:
                    ax.plot(curves.index, curves.to_numpy(), color=color, lw=0.6, alpha=0.4)
                first_end = of.groupby("run")["step"].max().min()
                middle = curves.loc[:first_end].median(axis=1)
                ax.plot(
                    middle.index,
                    middle,
                    color=color,
                    marker=marker,
                    lw=1.8,
                    label=plain(str(model)),
                )
            ax.set_ylabel(name)
            ax.set_xlabel("updates")
        title = f"{plain(results.benchmark)}, trained at {T}{run_at(frame)} ({seeds(frame)})"
        legend(drawing, axes, title)
        return drawing
