"""A grid: keys of a benchmark with several values each, and the labels of its points.

An axis is named by the key that it sets: ``task.KEY``, ``model.KEY`` (an option of the cell),
``hidden``, ``parameters``, ``layers``, ``bidirectional``, ``block``, ``readout``, ``pool`` or
``fit.KEY``. A key without any of these is one of ``fit``.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import combinations, product

from urnn_bench.spec.load import KeyPath, value_text
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.types import require_distinct

# between a model's name and its values in a grid
GRID_SEPARATOR = " @ "

FIT, TASK, MODEL = "fit", "task", "model"
SIZES = ("hidden", "parameters")
# what makes the network beside its cell and its size; the last two have keys of their own
NETWORK = ("layers", "bidirectional", "pool", "block", "readout")
_SINGLE, _NESTED = (*SIZES, *NETWORK[:3]), (FIT, TASK, MODEL)

# a value for every axis
GridPoint = Mapping[str, object]


def axis_path(axis: str) -> KeyPath:
    """Return the keys that lead to what an axis sets, those of ``fit`` with ``fit`` in front."""
    path = tuple(axis.split("."))
    return path if path[0] in (FIT, TASK, MODEL, *SIZES, *NETWORK) else (FIT, *path)


def owner_of(axis: str) -> str:
    """Return the first key of what an axis sets."""
    return axis_path(axis)[0]


def benchmark_path(axis: str, model: str) -> KeyPath:
    """Return the keys of the benchmark that an axis sets for one of its models."""
    owner, *keys = axis_path(axis)
    if owner in NETWORK:
        return ("models", model, owner, *keys)
    return ("models", model, "cell", *keys) if owner == MODEL else (owner, *keys)


def is_below(path: Sequence[str], parent: Sequence[str]) -> bool:
    """Return whether a path is ``parent`` or a part of it."""
    return tuple(path[: len(parent)]) == tuple(parent)


def check_axes(grid: Mapping[str, Sequence[object]]) -> None:
    """Raise ValueError if an axis names no single key, or two axes set the same key."""
    for axis in grid:
        owner, *keys = axis_path(axis)
        if owner in _SINGLE and keys:
            raise ValueError(f"there is nothing below '{owner}' to set: '{shown_name(axis)}'")
        if owner in _NESTED and not keys:
            raise ValueError(f"'{owner}' is not a single key; give one of its keys, {owner}.KEY")
    for axis_a, axis_b in combinations(grid, 2):
        path_a, path_b = (with_one_size(axis_path(axis)) for axis in (axis_a, axis_b))
        if is_below(path_a, path_b) or is_below(path_b, path_a):
            both = f"'{shown_name(axis_a)}' and '{shown_name(axis_b)}'"
            raise ValueError(f"{both} set the same key")
    for axis, values in grid.items():
        require_distinct(values, f"'{shown_name(axis)}' ")


def with_one_size(path: KeyPath) -> KeyPath:
    """Return a path in which both ways to give the size of every model are one."""
    return SIZES[:1] if path[0] in SIZES else path


def points(grid: Mapping[str, Sequence[object]]) -> list[GridPoint]:
    """Return all combinations of a grid's values; without a grid there is one, empty."""
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def label_of(model: str, point: GridPoint) -> str:
    """Return a model's label with its values in the grid, as in ``urnn @ lr=0.001``.

    An axis is called by its last key, or by all its keys if another axis ends in the same one.
    """
    text = ", ".join(f"{name}={_text(axis, point[axis])}" for axis, name in _names(point).items())
    return f"{model}{GRID_SEPARATOR}{text}" if text else model


def values_text(point: GridPoint) -> str:
    """Return the values of a point on one line; lists and mappings are JSON."""
    return ", ".join(f"{name}={_json(point[axis])}" for axis, name in _names(point).items())


def _json(value: object) -> str:
    is_nested = isinstance(value, Mapping | list | tuple)
    return json.dumps(value, ensure_ascii=False) if is_nested else value_text(value)


def _names(axes: Iterable[str]) -> dict[str, str]:
    paths = {axis: axis_path(axis) for axis in axes}
    # keys of fit alone have always had short names, and a label is part of a run's identity
    has_long = any(path[0] != FIT for path in paths.values())
    count = Counter(path[-1] for path in paths.values())
    return {
        axis: ".".join(path) if has_long and count[path[-1]] > 1 else path[-1]
        for axis, path in paths.items()
    }


def _text(axis: str, value: object) -> str:
    # those of fit as they always were, as a label is part of a run's identity
    return f"{value}" if axis_path(axis)[0] == FIT else value_text(value)


def below(point: GridPoint, owner: str) -> dict[str, object]:
    """Return the values of a point whose keys are below ``owner``, as nested mappings."""
    nested: dict[str, object] = {}
    for axis, value in point.items():
        first, *parents = axis_path(axis)
        if first != owner or not parents:
            continue
        mapping = nested
        for key in parents[:-1]:
            child = mapping.setdefault(key, {})
            # no axis sets a part of another, so this is always a mapping
            mapping = child if isinstance(child, dict) else {}
        mapping[parents[-1]] = deepcopy(value)
    return nested


def size_in(point: GridPoint) -> dict[str, object]:
    """Return the size that a point sets, by ``hidden`` or ``parameters``, if it sets one."""
    return {axis: value for axis, value in point.items() if axis in SIZES}


def network_in(point: GridPoint, network: Mapping[str, object]) -> dict[str, object]:
    """Return the parts of a network that a point sets, over those that ``network`` has.

    Parts are as a benchmark writes them, such as a readout by its name or with its options.
    """
    changed: dict[str, object] = {}
    for axis, value in point.items():
        owner, *keys = axis_path(axis)
        if owner in NETWORK and not keys:
            changed[owner] = deepcopy(value)
        elif owner in NETWORK:
            part = network.get(owner)
            known = dict(part) if isinstance(part, Mapping) else {}
            changed[owner] = {**known, **below(point, owner)}
    return changed
