"""Draw the boxes of a network and the paths of its unit; one unit of the axes is one inch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from urnn_bench.figures._fitting import fitted, text_inches
from urnn_bench.figures._network import Box, Diagram
from urnn_bench.figures._style import escaped
from urnn_bench.spec.network import Path

# of a box, and from one box to the next
_WIDTH, _HEIGHT, _PITCH = 2.0, 0.46, 0.8
# on both sides of the boxes: of a loop, of every edge
_LOOP, _EDGE = 0.4, 0.34
# of the drawing of a unit, with the space before it
_UNIT_WIDTH, _UNIT_SPACE, _UNIT_HEIGHT = 2.1, 0.35, 2.2
_POINTS, _SMALL_POINTS, _LEAST_POINTS = 8.5, 7.0, 4.5
_GREY, _FILL, _RECURRENT_FILL = "0.35", "white", "#DCEBF5"
_EDGE_COLOR, _GATE_COLOR = "#D55E00", "#882255"
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0}
Point = tuple[float, float]


class Size(NamedTuple):
    """Inches of a diagram, and what lies left of its boxes."""

    width: float
    height: float
    left: float


def size_of(diagram: Diagram) -> Size:
    """Return the inches that a diagram takes."""
    left = 0.15 + _EDGE * len(diagram.edges)
    unit = _UNIT_SPACE + _UNIT_WIDTH if diagram.paths else 0.0
    least = _UNIT_HEIGHT if diagram.paths else 0.0
    height = max(_PITCH * len(diagram.boxes), least)
    return Size(left + _WIDTH + _LOOP + unit, height, left)


def draw_network(ax: Axes, diagram: Diagram) -> None:
    """Draw the boxes from the input at the bottom, with what connects them."""
    size = size_of(diagram)
    ax.set(xlim=(-size.left, size.width - size.left), aspect="equal")
    for place, box in enumerate(diagram.boxes):
        _draw_box(ax, place, box)
        if place:
            _draw_reading(ax, place, box.reads)
    for number, edge in enumerate(sorted(diagram.edges, key=_span)):
        _draw_edge(ax, number, *edge)
    if diagram.paths:
        _draw_unit(ax, diagram)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    layers = range(1, len(diagram.boxes) - 1)
    ax.set_yticks([_middle(layer) for layer in layers], map(str, layers))
    ax.set_xticks([])
    ax.tick_params(length=0)


def _middle(place: int) -> float:
    return _PITCH * (place + 0.5)


def _span(edge: tuple[int, int]) -> int:
    source, target = edge
    return source - target


def _draw_box(ax: Axes, place: int, box: Box) -> None:
    y = _middle(place)
    fill = _RECURRENT_FILL if box.recurrent else _FILL
    style = "round,pad=0,rounding_size=0.06"
    corner = (0, y - _HEIGHT / 2)
    ax.add_patch(
        FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle=style, facecolor=fill, edgecolor=_GREY)
    )
    name = escaped(box.name)
    up = 0.1 if box.sizes else 0.0
    _write(ax, (_WIDTH / 2, y + up), name, _POINTS, _WIDTH)
    _write(ax, (_WIDTH / 2, y - 0.11), escaped(box.sizes), _SMALL_POINTS, _WIDTH, color=_GREY)
    if box.recurrent:
        loop = FancyArrowPatch(
            (_WIDTH, y + 0.11), (_WIDTH, y - 0.11), connectionstyle="arc3,rad=-2.2", **_ARROW
        )
        ax.add_patch(loop)


def _draw_reading(ax: Axes, place: int, reads: str) -> None:
    """Draw the arrow into a box from the one below, with what is done on the way."""
    start, end = _middle(place - 1) + _HEIGHT / 2, _middle(place) - _HEIGHT / 2
    x = _WIDTH / 2
    ax.add_patch(FancyArrowPatch((x, start), (x, end), **_ARROW))
    words = fitted(escaped(reads), _WIDTH / 2 + _LOOP, _SMALL_POINTS)
    at = (x + 0.1, (start + end) / 2)
    ax.text(*at, words, fontsize=_SMALL_POINTS, color=_GREY, va="center", linespacing=1.0)


def _draw_edge(ax: Axes, number: int, source: int, target: int) -> None:
    """Draw an edge on the left, the longer ones outside."""
    shift = 0.04 * number
    start, end = _middle(source) - 0.06 - shift / 2, _middle(target) + 0.06 + shift / 2
    away = 0.18 + _EDGE * number
    # the middle of the curve is half as far away as its control point
    bend = 2 * away / (start - end)
    curve = FancyArrowPatch(
        (0, start), (0, end), connectionstyle=f"arc3,rad={bend}", color=_EDGE_COLOR, **_ARROW
    )
    ax.add_patch(curve)
    at = (-away, (start + end) / 2)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    _write(ax, at, "1 × 1", 6.0, 1.0, color=_EDGE_COLOR, rotation=90, bbox=box)


def _write(
    ax: Axes, at: Point, text: str, points: float, inches: float, ha: str = "center", **style: Any
) -> None:
    """Write one line, in smaller letters if it is longer than ``inches``."""
    if not text:
        return
    width = text_inches(text, points) / 0.92
    points = max(_LEAST_POINTS, points * min(1.0, inches / width))
    ax.text(*at, text, fontsize=points, ha=ha, va="center", **style)


def _draw_unit(ax: Axes, diagram: Diagram) -> None:
    """Draw the states of a unit, what enters them, and the gates on the way."""
    x0, top = _WIDTH + _LOOP + _UNIT_SPACE, _middle(len(diagram.boxes) - 2) + _HEIGHT / 2
    bottom = max(0.1, top - _UNIT_HEIGHT)
    top = bottom + _UNIT_HEIGHT
    places = _places(diagram.paths, x0, bottom)
    _write(ax, (x0 + 0.85, top - 0.08), escaped(diagram.unit), _SMALL_POINTS, _UNIT_WIDTH)
    for path in diagram.paths:
        _draw_path(ax, path, places)
    for name, at in places.items():
        ax.plot(*at, "o", ms=15, mfc=_RECURRENT_FILL if name != "x" else _FILL, mec=_GREY, zorder=4)
        ax.text(*at, escaped(name), ha="center", va="center", fontsize=_POINTS, zorder=5)
    has_gates = any(path.gates for path in diagram.paths)
    note = "× product with a function of the dotted state" if has_gates else ""
    _write(ax, (x0 + 0.85, bottom + 0.02), note, 6.0, _UNIT_WIDTH, color=_GATE_COLOR)


def _places(paths: Sequence[Path], x0: float, bottom: float) -> dict[str, Point]:
    """Return where the input and the states stand: the states above each other on the right."""
    states = list(dict.fromkeys(path.target for path in paths))
    step = 1.3 / max(1, len(states) - 1)
    first = bottom + (0.35 if len(states) > 1 else 1.0)
    places: dict[str, Point] = {"x": (x0 + 0.1, bottom + 1.0)}
    return places | {name: (x0 + 1.3, first + i * step) for i, name in enumerate(states)}


def _draw_path(ax: Axes, path: Path, places: dict[str, Point]) -> None:
    start, end = places[path.source], places[path.target]
    if path.source == path.target:
        middle = (start[0] + 0.42, start[1])
        loop = FancyArrowPatch(
            (start[0] + 0.08, start[1] + 0.09),
            (start[0] + 0.08, start[1] - 0.09),
            connectionstyle="arc3,rad=-3.7",
            **_ARROW,
        )
        ax.add_patch(loop)
    else:
        middle = _between(start, end, 0.6)
        ax.add_patch(FancyArrowPatch(start, end, **{**_ARROW, "shrinkB": 8, "shrinkA": 8}))
    if path.source not in {*places} - {"x"}:
        words = "convolved" if path.convolved else "bypasses"
        x, y = _between(start, end, 0.3)
        up = 0.13 if end[1] >= start[1] else -0.13
        _write(ax, (x - 0.05, y + up), words, 6.0, 1.0, color=_GREY, ha="right" if up else "center")
    for gate in path.gates:
        ax.plot(*zip(places[gate], middle, strict=True), ":", color=_GATE_COLOR, lw=1.1, zorder=1)
    if path.gates:
        ax.plot(*middle, "o", ms=8, mfc="white", mec=_GATE_COLOR, zorder=4)
        ax.plot(*middle, "x", ms=4, color=_GATE_COLOR, zorder=5)


def _between(start: Point, end: Point, share: float) -> Point:
    """Return a point of the line from one point to another."""
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
