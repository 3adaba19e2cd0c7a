"""The style of every figure: axes, labels, legends, and files stable to the byte.

A figure of a user finds here also what `_looks` says of models.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from urnn_bench.figures._looks import style_of as style_of
from urnn_bench.figures._looks import styles_of as styles_of
from urnn_bench.files import remove_stale_parts, write_atomically
from urnn_bench.renamed import former_names
from urnn_bench.text import line, lines, with_escapes

__getattr__ = former_names(__name__)

_LOG_FROM = 30.0
NO_WIDTH = "\u200b"


class _LineStyle(TypedDict):
    color: str
    linewidth: float


BASELINE: _LineStyle = {"color": "0.35", "linewidth": 1.0}
BASELINE_DASHES = ("--", ":")
DIVERGED_MARK: dict[str, Any] = {
    "markersize": 9,
    "markeredgewidth": 2,
    "zorder": 6,
    "path_effects": [withStroke(linewidth=4, foreground="white")],
}

_RC: dict[str, bool | int | float | str] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "lines.markersize": 4.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "urnn-bench",
}
# without a date, the same records give the same bytes
_METADATA = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def mark_diverged(
    ax: Axes, x: Sequence[float], y: Sequence[float], color: str, clip_on: bool = True
) -> None:
    """Draw a cross at the last values of diverged runs, above other curves and with a white rim."""
    ax.plot(
        x,
        y,
        "x",
        color=color,
        label=own_label("diverged"),
        clip_on=clip_on,
        **DIVERGED_MARK,
    )


_ERRORS = {
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "nrmse": "normalised root mean squared error",
}
# by how a name ends
_UNITS = {"nat": "nat", "s": "s", "mb": "MiB", "db2": "dB²", "celsius": "°C", "w_m2": "W/m²"}


def axis_label(metric: str) -> str:
    """Return a metric's name for an axis with its unit, as in "cross-entropy (nat)"."""
    end = next((f"_{end}" for end in _UNITS if metric.endswith(f"_{end}")), "")
    unit = f" ({_UNITS[end[1:]]})" if end else ""
    words = metric.removesuffix(end).split("_")
    text = " ".join(_ERRORS.get(word, word) for word in words)
    text = text.replace("cross entropy", "cross-entropy").replace("over", "/")
    return escaped(text + unit)


def escaped(name: str) -> str:
    """Return a user's text on one line that matplotlib shows as it is.

    It reads what is between dollars as mathematics, and leaves a label that begins with an
    underscore out of legends; a character without width goes before that. It draws the same box for
    every character that the font lacks; their escapes tell names apart.
    """
    text = with_escapes(line(name), _is_lacking).replace("$", r"\$")
    return f"{NO_WIDTH}{text}" if text.startswith("_") else text


def _is_lacking(character: str) -> bool:
    font = get_font(findfont(FontProperties()))
    return not font.get_char_index(ord(character))


def own_label(text: str) -> str:
    """Return the label of a curve that is not a model's, as a model may have that name."""
    return f"{NO_WIDTH}{escaped(text).removeprefix(NO_WIDTH)}"


def needs_log_axis(values: "pd.Series[float]") -> bool:
    """Return whether the positive values span more than a factor of 30."""
    positive = values[values > 0]
    return len(positive) > 0 and bool(positive.max() / positive.min() > _LOG_FROM)


Scale = Literal["auto", "log", "linear"]
# whether an axis of some values is logarithmic
IS_LOG: Mapping[str, Callable[["pd.Series[float]"], bool]] = {
    "log": lambda _: True,
    "linear": lambda _: False,
    "auto": needs_log_axis,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of this package, without a screen and without the user's matplotlibrc."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.use("agg")
        mpl.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


def save(drawing: Figure, path: Path) -> None:
    """Write a drawing in the format of the suffix of ``path``."""
    suffix = path.suffix[1:]
    metadata = _METADATA[suffix]
    for artist in drawing.findobj(Text):
        # of a figure of a user's too, as a control character makes an SVG that cannot be read
        artist.set_text(lines(artist.get_text()))
    remove_stale_parts(path.parent, path.name)
    write_atomically(path, lambda file: drawing.savefig(file, format=suffix, metadata=metadata))
