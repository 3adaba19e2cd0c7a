"""What a model is expected to reach if so many of its settings are tried.

The expected lowest validation loss of k settings that are drawn without replacement from those
that were trained, as in Dodge et al. (2019), arXiv:1909.03004, who draw with replacement. The loss
of a setting is the geometric mean over its seeds. A curve begins where not all settings that are
drawn can have failed.
"""

from collections.abc import Sequence
from math import exp, isfinite, log

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.trials import expected_best
from urnn_bench.analysis.tuned import Tried, tried
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._looks import ModelStyle, styles_of
from urnn_bench.figures._panels import add_legend, entries_of, panels
from urnn_bench.figures._style import axis_label, escaped
from urnn_bench.figures.base import Figure

_COLUMNS = 3


class ExpectedBest(Figure):
    """The expected best validation loss over the number of settings tried."""

    def draw(self, results: Results) -> Drawing:
        """Draw every model with several settings, a panel for each length."""
        found = {place: s for place, s in tried(results).items() if s[1:]}
        if len({(place.T, place.model) for place in found}) < len(found):
            raise NothingToShowError(
                "several tasks have losses of their own; select one by --where"
            )
        lengths = sorted({place.T for place in found})
        styles = styles_of({place.model for place in found})
        drawing, axes = panels(len(lengths), columns=_COLUMNS)
        for ax, T in zip(axes, lengths, strict=True):
            ax.set_title(f"T = {T:,}", fontsize=10)
            for place in sorted(place for place in found if place.T == T):
                _draw(ax, place.model, found[place], styles[place.model])
            ax.set_xlabel("settings tried")
            ax.set_yscale("log")
            ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        for ax in axes[::_COLUMNS]:
            ax.set_ylabel(f"expected validation {axis_label(results.criterion)}")
        title = f"{escaped(results.heading)} (best of k settings drawn at random)"
        add_legend(drawing, entries_of(axes, ()), title)
        return drawing


def _draw(ax: Axes, model: str, settings: Sequence[Tried], style: ModelStyle) -> None:
    logs = [log(one.validation) if isfinite(one.validation) else one.validation for one in settings]
    expected = {k: expected_best(logs, k) for k in range(1, len(logs) + 1)}
    drawn = {k: exp(value) for k, value in expected.items() if isfinite(value)}
    ax.plot(
        [*drawn], [*drawn.values()], color=style.color, marker=style.marker, label=escaped(model)
    )
