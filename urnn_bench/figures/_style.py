"""How every figure looks: a colour and a marker for each model, and files stable to the byte.

The colours are those of Okabe and Ito (2008), told apart by the colour-blind and in print; the
uRNN paper's blue, green and red are kept for its three models.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from urnn_bench.files import write_atomically
from urnn_bench.spec.benchmark import GRID_SEPARATOR

_LOG_FROM = 30.0

BASELINE: dict[str, Any] = {"color": "0.35", "linewidth": 1.0}
BASELINE_DASHES = ("--", ":")
# above the curves of others, with a rim that parts it from them
DIVERGED: dict[str, Any] = {
    "markersize": 9,
    "markeredgewidth": 2,
    "zorder": 6,
    "path_effects": [withStroke(linewidth=4, foreground="white")],
}

_RC: dict[str, Any] = {
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


class ModelStyle(NamedTuple):
    """Colour and marker of a model."""

    color: str
    marker: str


_STYLES = {
    "urnn": ModelStyle("#0072B2", "o"),
    "lstm": ModelStyle("#009E73", "s"),
    "lstm_paper": ModelStyle("#004D38", "D"),
    "rnn": ModelStyle("#D55E00", "^"),
    "irnn": ModelStyle("#E69F00", "v"),
    "gru": ModelStyle("#CC79A7", "P"),
}
_OTHERS = [
    ModelStyle("#56B4E9", "X"),
    ModelStyle("#882255", "p"),
    ModelStyle("#999933", "h"),
    ModelStyle("#661100", "<"),
    ModelStyle("#332288", ">"),
    ModelStyle("#44AA99", "*"),
    ModelStyle("#AA4499", "d"),
    ModelStyle("#6E6E6E", "8"),
]
# models that stand beside each other in the benchmarks of momentum, which must not look the same
_STYLES |= dict(
    zip(
        ("momentum", "adam", "rmsprop", "sr", "step_only", "unit_gain", "forget_bias"),
        _OTHERS,
        strict=False,
    )
)


_SHADES = (1.0, 0.75, 0.5)
_MARKERS = "osDv^<>Xphd*P"


def style_of(model: str) -> ModelStyle:
    """Return a model's colour and marker; a model without its own always gets the same ones."""
    family, at, place = model.partition(GRID_SEPARATOR)
    found = _STYLES.get(family) or _OTHERS[crc32(family.encode()) % len(_OTHERS)]
    return ModelStyle(*_varied(found.color, place)) if at else found


def _varied(color: str, place: str) -> tuple[str, str]:
    """Return a shade of a model's colour and a marker, by where it stands in a grid."""
    number = crc32(place.encode())
    share = _SHADES[number % len(_SHADES)]
    red, green, blue = (share * part + 1 - share for part in to_rgb(color))
    return to_hex((red, green, blue)), _MARKERS[number // len(_SHADES) % len(_MARKERS)]


def label(metric: str) -> str:
    """Return a metric's name for an axis, its unit in brackets: "cross entropy (nat)"."""
    words = metric.split("_")
    units = {"nat": "nat", "s": "s", "mb": "MiB", "db2": "dB²"}
    unit = f" ({units[words.pop()]})" if words[-1] in units else ""
    text = " ".join(words).replace("cross entropy", "cross-entropy").replace("over", "/")
    return text.replace("mse", "mean squared error") + unit


def plain(name: str) -> str:
    """Return a user's name so that its dollars are not read as mathematics."""
    return name.replace("$", r"\$")


def wide(values: "pd.Series[float]") -> bool:
    """Return whether positive values span so much that a logarithmic axis shows more."""
    positive = values[values > 0]
    return len(positive) > 0 and bool(positive.max() / positive.min() > _LOG_FROM)


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style, without a screen, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.use("agg")
        mpl.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


def save(drawing: Figure, path: Path) -> None:
    """Write a drawing as the suffix of ``path`` says."""
    suffix = path.suffix[1:]
    metadata = _METADATA[suffix]
    write_atomically(path, lambda file: drawing.savefig(file, format=suffix, metadata=metadata))


def columns(drawing: Figure, names: list[str]) -> int:
    """Return how many columns of a legend, which are filled one after the other, fit a drawing."""
    inches = [0.62 + 0.072 * len(name) for name in names]
    for count in range(len(names), 1, -1):
        parts = np.array_split(inches, count)
        if sum(part.max() for part in parts) <= drawing.get_figwidth() - 0.2:
            return count
    return 1
