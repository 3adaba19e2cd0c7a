"""The style of every figure: a colour and a marker for each model, and files stable to the byte.

The colours are from Okabe and Ito (2008), who chose them for colour-blind readers and for print.
The uRNN paper's blue, green and red are kept for its three models.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import dist
from pathlib import Path
from textwrap import fill
from typing import NamedTuple, TypedDict
from zlib import crc32

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import TextPath

from urnn_bench.files import remove_stale_parts, write_atomically
from urnn_bench.spec.benchmark import GRID_SEPARATOR
from urnn_bench.text import line, lines

_LOG_FROM = 30.0
# of a legend
_HANDLE_INCHES, _LETTER_INCHES, _WIDEST_INCHES, _MARGIN_INCHES = 0.62, 0.072, 0.125, 0.2
_POINTS_PER_INCH = 72
NO_WIDTH = "\u200b"


class _LineStyle(TypedDict):
    color: str
    linewidth: float


BASELINE: _LineStyle = {"color": "0.35", "linewidth": 1.0}
BASELINE_DASHES = ("--", ":")

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


class ModelStyle(NamedTuple):
    """Colour and marker of a model."""

    color: str
    marker: str

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour as numbers, as a colour has several names."""
        return to_rgb(self.color)


_STYLES = {
    "urnn": ModelStyle("#0072B2", "o"),
    "lstm": ModelStyle("#009E73", "s"),
    "lstm_paper": ModelStyle("#004D38", "D"),
    "rnn": ModelStyle("#D55E00", "^"),
    "irnn": ModelStyle("#E69F00", "v"),
    "gru": ModelStyle("#CC79A7", "P"),
}
_SPARE_STYLES = [
    ModelStyle("#56B4E9", "X"),
    ModelStyle("#882255", "p"),
    ModelStyle("#999933", "h"),
    ModelStyle("#661100", "<"),
    ModelStyle("#332288", ">"),
    ModelStyle("#44AA99", "*"),
    ModelStyle("#AA4499", "d"),
    ModelStyle("#6E6E6E", "8"),
]
# the models of the momentum benchmarks share their figures, so each has a style of its own
_STYLES |= dict(
    zip(
        ("momentum", "adam", "rmsprop", "sr", "step_only", "unit_gain", "forget_bias"),
        _SPARE_STYLES,
        strict=False,
    )
)


_SHADES = (1.0, 0.75, 0.5)
# for a value of a grid whose own shade is taken; above 1 is darker
_MORE_SHADES = (1.3, 1.6, 0.35)
# of red, green and blue from 0 to 1
_MIN_DISTANCE = 0.15
_MARKERS = "osDv^<>Xphd*P"


def styles_of(models: Iterable[str]) -> Mapping[str, ModelStyle]:
    """Return a colour and a marker for each model of a benchmark, in whatever order they come.

    No two models have the same colour while there are free ones, nor the same colour and marker.
    Give it ``results.models``, so that a model looks the same in every figure of a benchmark.
    """
    names = sorted(set(models))
    first = {name: style_of(name) for name in names}
    if len({style.rgb for style in first.values()}) == len(names):
        return first
    cells = sorted({name.partition(GRID_SEPARATOR)[0] for name in names})
    cells.sort(key=lambda cell: cell not in _STYLES)
    of_cells = _distinct({cell: _looks_of_cell(cell) for cell in cells})
    plain = {name: of_cells[name] for name in names if name in of_cells}
    colors = {style.rgb for style in of_cells.values()}
    spare = [look for look in (*_SPARE_STYLES, *_STYLES.values()) if look.rgb not in colors]
    grids = {
        name: [*_shades(of_cells[cell], values), *spare]
        for name in names
        for cell, separator, values in [name.partition(GRID_SEPARATOR)]
        if separator
    }
    return plain | _distinct(grids, plain.values())


def style_of(model: str) -> ModelStyle:
    """Return the first choice of a model's colour and marker, which others may have as well."""
    name, separator, grid_values = model.partition(GRID_SEPARATOR)
    style = _STYLES.get(name) or _SPARE_STYLES[crc32(name.encode()) % len(_SPARE_STYLES)]
    return _varied(style, grid_values) if separator else style


def _varied(style: ModelStyle, grid_values: str) -> ModelStyle:
    """Return a shade of a model's colour and a marker, chosen by its values in a grid."""
    number = crc32(grid_values.encode())
    marker = _MARKERS[number // len(_SHADES) % len(_MARKERS)]
    return ModelStyle(_shade(style.color, _SHADES[number % len(_SHADES)]), marker)


def _shade(color: str, share: float) -> str:
    """Return a mixture of a colour and white; with a share above 1, a darker colour."""
    red, green, blue = (max(0.0, share * part + 1 - share) for part in to_rgb(color))
    return to_hex((red, green, blue))


def _shades(style: ModelStyle, grid_values: str) -> list[ModelStyle]:
    """Return what the values of a grid may look like, the first choice first."""
    first = _varied(style, grid_values)
    shades = (*_SHADES, *_MORE_SHADES)
    return [first, *(first._replace(color=_shade(style.color, share)) for share in shades)]


def _looks_of_cell(cell: str) -> list[ModelStyle]:
    """Return what a model may look like, the first choice first."""
    first = style_of(cell)
    start = _SPARE_STYLES.index(first) if first in _SPARE_STYLES else 0
    spare = [*_SPARE_STYLES[start:], *_SPARE_STYLES[:start]]
    looks = [first, *spare, *_STYLES.values()]
    return looks + [
        look._replace(color=_shade(look.color, share))
        for share in (*_SHADES[1:], *_MORE_SHADES)
        for look in looks
    ]


def _distinct(
    choices: Mapping[str, Sequence[ModelStyle]], taken: Iterable[ModelStyle] = ()
) -> dict[str, ModelStyle]:
    """Return the first choice of every name, or the next free one if a name before has its colour.

    First choices are given away first, so that few names lose theirs.
    """
    used = {*taken}
    styles: dict[str, ModelStyle] = {}
    for name, (first, *_) in choices.items():
        if first.rgb not in {style.rgb for style in used}:
            styles[name] = first
            used.add(first)
    for name in [name for name in choices if name not in styles]:
        styles[name] = _free(choices[name], used)
        used.add(styles[name])
    return styles


def _free(looks: Sequence[ModelStyle], used: Collection[ModelStyle]) -> ModelStyle:
    """Return the first look whose colour is free, or whose pair of colour and marker is.

    A colour that is hardly another one is taken only if there is no better one.
    """
    for distance in (_MIN_DISTANCE, 0.0):
        for look in looks:
            if all(dist(look.rgb, style.rgb) > distance for style in used):
                return look
    pairs = (look._replace(marker=marker) for marker in _MARKERS for look in looks)
    return next((pair for pair in pairs if pair not in used), looks[0])


def curve_marker(model: str, styles: Mapping[str, ModelStyle]) -> str:
    """Return the marker that a curve without markers needs, as another model has its colour."""
    own = styles[model]
    return own.marker if sum(style.rgb == own.rgb for style in styles.values()) > 1 else ""


def mark_diverged(
    ax: Axes, x: Sequence[float], y: Sequence[float], color: str, clip_on: bool = True
) -> None:
    """Draw a cross at the last values of diverged runs, above other curves and with a white rim."""
    ax.plot(
        x,
        y,
        "x",
        color=color,
        label="diverged",
        markersize=9,
        markeredgewidth=2,
        zorder=6,
        path_effects=[withStroke(linewidth=4, foreground="white")],
        clip_on=clip_on,
    )


def axis_label(metric: str) -> str:
    """Return a metric's name for an axis with its unit, as in "cross-entropy (nat)"."""
    words = metric.split("_")
    units = {"nat": "nat", "s": "s", "mb": "MiB", "db2": "dB²"}
    unit = f" ({units[words.pop()]})" if words[-1] in units else ""
    text = " ".join(words).replace("cross entropy", "cross-entropy").replace("over", "/")
    return escaped(text.replace("mse", "mean squared error") + unit)


def escaped(name: str) -> str:
    """Return a user's text on one line that matplotlib shows as it is.

    It reads what is between dollars as mathematics, and leaves a label that begins with an
    underscore out of legends; a character without width goes before that.
    """
    text = line(name).replace("$", r"\$")
    return f"{NO_WIDTH}{text}" if text.startswith("_") else text


def needs_log_axis(values: "pd.Series[float]") -> bool:
    """Return whether the positive values span more than a factor of 30."""
    positive = values[values > 0]
    return len(positive) > 0 and bool(positive.max() / positive.min() > _LOG_FROM)


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


def legend_columns(drawing: Figure, names: list[str]) -> int:
    """Return how many columns of a legend fit a drawing; matplotlib fills them one by one."""
    widths = [_HANDLE_INCHES + _LETTER_INCHES * max(map(len, name.split("\n"))) for name in names]
    for count in range(len(names), 1, -1):
        columns = np.array_split(widths, count)
        if sum(column.max() for column in columns) <= drawing.get_figwidth() - _MARGIN_INCHES:
            return count
    return 1


def legend_name(name: str, drawing: Figure) -> str:
    """Return a name in lines that fit a drawing."""
    inches = drawing.get_figwidth() - _MARGIN_INCHES - _HANDLE_INCHES
    if len(name) * _WIDEST_INCHES <= inches:
        return name
    share = inches / (TextPath((0, 0), name).get_extents().width / _POINTS_PER_INCH)
    return name if share >= 1 else broken(name, int(share * len(name)))


def broken(name: str, letters: int) -> str:
    """Break an escaped text into lines, none of them within an escaped dollar."""
    return fill(name, letters).replace("\\\n$", "\n\\$")
