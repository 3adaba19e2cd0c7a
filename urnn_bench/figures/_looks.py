"""A colour and a marker for each model, which tell up to 24 models apart, also in grey print.

Two models that share a marker have colours that all can tell apart, the colour-blind as well. The
first colours are from Okabe and Ito (2008). The uRNN paper's blue, green and red are kept for its
three models. A model with other settings has its model's colour, in another shade or with another
marker; a curve of a like colour has other dashes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import dist
from typing import NamedTuple
from zlib import crc32

from matplotlib.colors import to_hex, to_rgb

from urnn_bench.figures._vision import difference
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
    ModelStyle("#882255", "v"),
    ModelStyle("#999933", "<"),
    ModelStyle("#661100", "<"),
    ModelStyle("#332288", ">"),
    ModelStyle("#44AA99", "*"),
    ModelStyle("#AA4499", "d"),
    ModelStyle("#6E6E6E", ">"),
    ModelStyle("#1A1A1A", "X"),
    ModelStyle("#A8C8F0", "D"),
    ModelStyle("#B15928", "X"),
    ModelStyle("#A6CE39", "d"),
    ModelStyle("#F4A6B5", "o"),
    ModelStyle("#2E6B00", "*"),
    ModelStyle("#B2A0E0", ">"),
    ModelStyle("#3D4A57", "s"),
    ModelStyle("#3A3FC0", "P"),
    ModelStyle("#DDCC77", "^"),
]
# the models of the momentum benchmarks share their figures, so each has a style of its own
_STYLES |= dict(
    zip(
        ("momentum", "adam", "rmsprop", "sr", "step_only", "unit_gain", "forget_bias"),
        _SPARE_STYLES,
        strict=False,
    )
)
# so many models have a look each
MOST_LOOKS = 24


_SHADES = (1.0, 0.75, 0.5)
# for a value of a grid whose own shade is taken; above 1 is darker
_MORE_SHADES = (1.3, 1.6, 0.35)
# of red, green and blue from 0 to 1: less is hardly another colour, or a like one
_MIN_DISTANCE, _LIKE_DISTANCE = 0.15, 0.3
# in CIELAB under every simulation
MIN_DIFFERENCE = 20.0
# from white, on which lighter shades are hardly seen
_MIN_CONTRAST = 17.0
_MARKERS = "osDv^<>Xd*P"
Dashes = str | tuple[float, tuple[float, ...]]
# of curves of like colours; those of baselines are shorter
_DASHES: Sequence[Dashes] = ("-", (0, (6, 1.2)), (0, (5, 1, 1, 1)), (0, (2, 0.8)))
# what begins the settings by which models of one name differ
_SETTINGS = " ["


def styles_of(models: Iterable[str]) -> Mapping[str, ModelStyle]:
    """Return a colour and a marker for each model of a benchmark, in whatever order they come.

    Up to 24 models can be told apart; beyond, no two have the same colour and marker. Give it
    ``results.models``, so that a model looks the same in every figure of a benchmark.
    """
    return {**_styles(tuple(sorted(set(models))))}


# every panel asks for the same models
@lru_cache
def _styles(names: Sequence[str]) -> Mapping[str, ModelStyle]:
    first = {name: style_of(name) for name in names}
    if all(_differ(one, other) for one, other in combinations(first.values(), 2)):
        return first
    cells = sorted({_cell_of(name) for name in names})
    cells.sort(key=lambda cell: cell not in _STYLES)
    of_cells = _distinct({cell: _looks_of_cell(cell) for cell in cells})
    plain = {name: of_cells[name] for name in names if name in of_cells}
    variants = {
        name: _looks_of_variant(of_cells[_cell_of(name)], name)
        for name in names
        if name not in plain
    }
    return plain | _distinct(variants, plain.values())


def style_of(model: str) -> ModelStyle:
    """Return the first choice of a model's colour and marker, which others may have as well."""
    cell = _cell_of(model)
    style = _STYLES.get(cell) or _SPARE_STYLES[crc32(cell.encode()) % len(_SPARE_STYLES)]
    return style if model == cell else _varied(style, model)


def curve_dashes(styles: Mapping[str, ModelStyle]) -> Mapping[str, Dashes]:
    """Return the dashes of every model's curve: other ones where models have a like colour."""
    dashes: dict[str, Dashes] = {}
    # models with a look of their own first, then those of other settings
    ordered = sorted(styles, key=lambda name: (_cell_of(name) not in _STYLES, name))
    for name in ordered:
        taken = [dashes[other] for other in dashes if _is_like(name, other, styles)]
        dashes[name] = min(_DASHES, key=taken.count)
    return dashes


def _is_like(one: str, other: str, styles: Mapping[str, ModelStyle]) -> bool:
    """Return whether models are of one cell, or have a like colour."""
    is_near = dist(styles[one].rgb, styles[other].rgb) < _LIKE_DISTANCE
    return is_near or _cell_of(one) == _cell_of(other)


def _cell_of(model: str) -> str:
    """Return a model's name without its values of a grid, or other settings."""
    return model.partition(GRID_SEPARATOR)[0].partition(_SETTINGS)[0]


def _varied(style: ModelStyle, model: str) -> ModelStyle:
    """Return a shade of a model's colour and a marker, chosen by its settings."""
    number = crc32(model.removeprefix(_cell_of(model)).encode())
    marker = _MARKERS[number // len(_SHADES) % len(_MARKERS)]
    colors = _shades(style.color, _SHADES)
    return ModelStyle(colors[number % len(colors)], marker)


def _shades(color: str, shares: Iterable[float]) -> list[str]:
    """Return those shades of a colour that are seen on white."""
    shades = [_shade(color, share) for share in shares]
    return [shade for shade in shades if difference(shade, "white") >= _MIN_CONTRAST]


def _shade(color: str, share: float) -> str:
    """Return a mixture of a colour and white; with a share above 1, a darker colour."""
    red, green, blue = (max(0.0, share * part + 1 - share) for part in to_rgb(color))
    return to_hex((red, green, blue))


def _looks_of_variant(style: ModelStyle, model: str) -> list[ModelStyle]:
    """Return what a model with other settings may look like, the first choice first."""
    first = _varied(style, model)
    colors = _shades(style.color, (*_SHADES, *_MORE_SHADES))
    start = _MARKERS.index(first.marker)
    markers = _MARKERS[start:] + _MARKERS[:start]
    return [first, *(ModelStyle(color, marker) for marker in markers for color in colors)]


def _looks_of_cell(cell: str) -> list[ModelStyle]:
    """Return what a model may look like, the first choice first."""
    first = style_of(cell)
    start = _SPARE_STYLES.index(first) if first in _SPARE_STYLES else 0
    spare = [*_SPARE_STYLES[start:], *_SPARE_STYLES[:start]]
    looks = [first, *spare, *_STYLES.values()]
    return looks + [
        look._replace(color=color)
        for share in (*_SHADES[1:], *_MORE_SHADES)
        for look in looks
        for color in _shades(look.color, [share])
    ]


def _distinct(
    choices: Mapping[str, Sequence[ModelStyle]], taken: Iterable[ModelStyle] = ()
) -> dict[str, ModelStyle]:
    """Return the first choice of every name, or the next that differs from all others.

    First choices are given away first, so that few names lose theirs.
    """
    used = {*taken}
    styles: dict[str, ModelStyle] = {}
    for name, (first, *_) in choices.items():
        if all(_differ(first, style) for style in used):
            styles[name] = first
            used.add(first)
    for name in [name for name in choices if name not in styles]:
        styles[name] = _free(choices[name], used)
        used.add(styles[name])
    return styles


def _free(looks: Sequence[ModelStyle], used: Collection[ModelStyle]) -> ModelStyle:
    """Return the first look that differs from all used, or is told apart from them, or is free."""
    for is_other in (_differ, _are_apart):
        for look in looks:
            if all(is_other(look, style) for style in used):
                return look
    pairs = (look._replace(marker=marker) for marker in _MARKERS for look in looks)
    return next((pair for pair in pairs if pair not in used), looks[0])


def _differ(one: ModelStyle, other: ModelStyle) -> bool:
    """Return whether looks are told apart, and have colours that are hardly the same."""
    return dist(one.rgb, other.rgb) > _MIN_DISTANCE and _are_apart(one, other)


def _are_apart(one: ModelStyle, other: ModelStyle) -> bool:
    """Return whether looks have other markers, or colours that all can tell apart."""
    return one.marker != other.marker or difference(one.color, other.color) >= MIN_DIFFERENCE
