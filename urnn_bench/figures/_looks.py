"""A colour and a marker for each model, no two of them the same.

The colours are from Okabe and Ito (2008), who chose them for colour-blind readers and for print.
The uRNN paper's blue, green and red are kept for its three models.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import dist
from typing import NamedTuple
from zlib import crc32

from matplotlib.colors import to_hex, to_rgb

from urnn_bench.spec.grid import GRID_SEPARATOR


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
