"""Edits of a benchmark's mapping before it is checked: ``--set``, ``--updates`` and the like."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, takewhile

from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.spec.grid import FIT, NETWORK, SIZES, TASK, axis_path, is_below, with_one_size
from urnn_bench.spec.load import Document, KeyPath, YamlMapping, parse_value, value_text
from urnn_bench.spec.notation import shown_name, written
from urnn_bench.spec.stages import by_name

_GRID, _NAME, _STAGES = "grid", "name", "stages"
_DEEPEST, _MOST_DIGITS = 20, 20


@dataclass(frozen=True)
class Override:
    """One ``PATH=VALUE`` of the command line."""

    path: KeyPath
    value: object

    @property
    def text(self) -> str:
        """The setting as ``PATH=VALUE``, which ``parse_override`` reads."""
        return f"{'.'.join(self.path)}={value_text(self.value)}"

    @property
    def source(self) -> str:
        """The option that sets it, for error messages."""
        return f"--set {'.'.join(map(shown_name, self.path))}={written(self.value)}"


def parse_override(text: str) -> Override:
    """Read ``PATH=VALUE``; raise SpecError if there is no path or the value is not YAML."""
    path, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in path.split("."))
    # an argument that is not UTF-8 arrives with characters that cannot be written
    if not equals or not all(keys) or not path.isprintable() or len(keys) > _DEEPEST:
        raise SpecError(
            f"--set takes PATH=VALUE, such as fit.optimizer.lr=1e-2, not '{shown_name(text)}'"
        )
    if keys[0] == _GRID and len(keys) > 1:
        # the key of an axis has dots
        keys = (_GRID, ".".join(keys[1:]))
    return Override(keys, parse_value(value))


def apply(document: Document, settings: Sequence[Override]) -> Document:
    """Return the document with every setting written into its mapping, in order.

    A setting of ``fit.…`` or of the size holds for every run: the same key of a model or a length
    is removed, so that nothing silently overrides the command line.
    """
    mapping = deepcopy(document.mapping)
    lengths = mapping.get("T")
    whole = isinstance(lengths, list) and all(type(length) is int for length in lengths)
    # the same length twice is left for the benchmark to refuse
    if isinstance(lengths, list) and whole and len({*lengths}) == len(lengths):
        mapping["T"] = {length: {} for length in lengths}
    # what cannot be named is left for the benchmark to refuse
    with suppress(ValueError):
        mapping.update({key: by_name(mapping[key]) for key in (_STAGES,) if key in mapping})
    for leaf in chain.from_iterable(map(leaves, settings)):
        _check_stage(mapping, leaf)
        _remove_overlays(mapping, leaf.path)
        is_of_models = _write_to_networks(mapping, leaf)
        if leaf.path[0] in mapping or not is_of_models:
            _write(mapping, leaf)
    return Document(document.source, mapping, document.lines)


def _check_stage(mapping: YamlMapping, leaf: Override) -> None:
    """Refuse a setting of a stage that there is not, and one number of updates for all stages."""
    stages = mapping.get(_STAGES)
    if not isinstance(stages, dict):
        return
    if leaf.path[0] == _STAGES and len(leaf.path) > 1 and leaf.path[1] not in stages:
        raise UnknownNameError("stage", leaf.path[1], map(str, stages))
    if leaf.path == (FIT, "steps"):
        last = shown_name([*stages][-1]) if stages else "NAME"
        raise SpecError(
            "the benchmark trains in stages, each with its own number of updates; give one, as "
            f"in --set {_STAGES}.{last}.fit.steps={written(leaf.value)}"
        )


def leaves(setting: Override) -> Sequence[Override]:
    """Read ``fit={steps: 5, batch: 2}`` as a setting of each of its keys."""
    if setting.path != (FIT,) or not isinstance(setting.value, dict):
        return [setting]
    return [Override((FIT, str(key)), value) for key, value in setting.value.items()]


def summary(settings: Sequence[Override]) -> tuple[str, ...]:
    """Return the effective settings, those that no later one replaces, sorted by path."""
    flat = list(chain.from_iterable(map(leaves, settings)))
    effective = {
        leaf.path: leaf.text
        for index, leaf in enumerate(flat)
        if not any(_replaces(later.path, leaf.path) for later in flat[index + 1 :])
    }
    return tuple(text for _, text in sorted(effective.items()))


def _replaces(later: KeyPath, earlier: KeyPath) -> bool:
    """Return whether a setting of ``later`` leaves nothing of one of ``earlier``."""
    later, earlier = _one_size(later), _one_size(earlier)
    is_for_all = later == SIZES[:1] or (later[0] in (FIT, TASK) and len(later) > 1)
    paths = (earlier, _for_all(earlier)) if is_for_all else (earlier,)
    return any(path[: len(later)] == later for path in paths)


def _one_size(path: KeyPath) -> KeyPath:
    """Return a path in which both ways to give the size are one, as the last one given counts."""
    return (*path[:-1], SIZES[0]) if path[-1] in SIZES else path


def _for_all(path: KeyPath) -> KeyPath:
    """Return the path that sets for every run what ``path`` sets for one model, length or stage."""
    if path[0] in ("models", _STAGES):
        return path[2:]
    if path[0] == _GRID and len(path) > 1:
        return with_one_size(axis_path(path[1]))
    return (FIT, *path[2:]) if path[0] == "T" else path


def where(document: Document, settings: Sequence[Override], path: KeyPath) -> str:
    """Return the last place that set ``path``: an option of the command line, or the file."""
    known = document.depth(path)
    for setting in reversed(settings):
        shared = _shared_length(setting.path, path)
        if shared > known or shared == len(setting.path) or setting.path == (*path, _NAME):
            return f"{setting.source}: "
    return document.where(path)


def _shared_length(path_a: KeyPath, path_b: KeyPath) -> int:
    pairs = zip(path_a, path_b, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Overlay ``over`` on ``base`` key by key; a mapping with a new ``name`` replaces the old."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and _same_name(old, value):
            value = merged(old, value)
        result[key] = value
    return result


def _same_name(old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    return new.get(_NAME, old.get(_NAME)) == old.get(_NAME)


def _write(mapping: YamlMapping, setting: Override) -> None:
    node = mapping
    for key in setting.path[:-1]:
        node = _child(node, key, setting)
    _write_key(node, _same_key(node, setting.path[-1]), setting.value)


def _write_key(node: YamlMapping, key: object, value: object) -> None:
    if key == _NAME and node.get(_NAME, value) != value:
        # another optimizer, cell or task does not have the options of the old one
        node.clear()
    if key in SIZES:
        _remove_sizes(node)
    node[key] = deepcopy(value)


def _child(node: YamlMapping, name: str, setting: Override) -> YamlMapping:
    """Return the mapping below a key; make it if there is none, or only the name of a component."""
    key = _same_key(node, name)
    child = node.get(key)
    if isinstance(child, str):
        child = {_NAME: child}
    if not isinstance(child, dict | None):
        raise SpecError(f"{setting.source}: there is nothing below '{shown_name(key)}' to set")
    mapping: YamlMapping = {} if child is None else child
    node[key] = mapping
    return mapping


def _same_key(node: Iterable[object], key: str) -> object:
    """Return the key of ``node`` that is written as ``key``: lengths are numbers in the file."""
    # isdecimal takes digits of every script, and a length has no more than these
    new = int(key) if key.isascii() and key.isdecimal() and len(key) < _MOST_DIGITS else key
    return next((known for known in node if str(known) == key), new)


def _remove_overlays(mapping: YamlMapping, path: KeyPath) -> None:
    """Remove what models, lengths and the grid set at a path that holds for every run."""
    models = [model for model in _values(mapping.get("models")) if isinstance(model, dict)]
    key, *inner = path
    if key == FIT:
        stages = [stage for stage in _values(mapping.get(_STAGES)) if isinstance(stage, dict)]
        owners = (owner.get(FIT) for owner in (*models, *stages))
        for overlay in (*owners, *_values(mapping.get("T"))):
            _remove(overlay, inner)
    if key in SIZES:
        for model in models:
            _remove_sizes(model)
    if key in NETWORK and not inner:
        for model in models:
            _remove(model, path)
    if key in (FIT, TASK, *SIZES, *NETWORK):
        _remove_from_grid(mapping.get(_GRID), path)
    if key == _GRID and inner:
        _remove_from_grid(mapping.get(_GRID), axis_path(inner[0]), keep=inner[0])


def _write_to_networks(mapping: YamlMapping, leaf: Override) -> bool:
    """Write a part of a block or a readout into every model that has its own, if one has."""
    key, *inner = leaf.path
    if key not in NETWORK or not inner:
        return False
    models = [model for model in _values(mapping.get("models")) if isinstance(model, dict)]
    own = [model for model in models if model.get(key) is not None]
    for model in own:
        if isinstance(model[key], str):
            model[key] = {_NAME: model[key]}
        _write(model, leaf)
    return bool(own)


def _values(node: object) -> list[object]:
    return list(node.values()) if isinstance(node, dict) else []


def _remove_from_grid(grid: object, path: Sequence[str], keep: str = "") -> None:
    """Remove the axes of a grid that set the value at ``path``, a part of it, or more."""
    if not isinstance(grid, dict):
        return
    path = with_one_size(tuple(path))
    for axis in [*grid]:
        axis_keys = with_one_size(axis_path(str(axis)))
        if axis != keep and (is_below(axis_keys, path) or is_below(path, axis_keys)):
            del grid[axis]


def _remove_sizes(node: YamlMapping) -> None:
    for size in SIZES:
        node.pop(size, None)


def _remove(node: object, path: Sequence[str]) -> None:
    """Remove ``path`` from nested mappings, or a value that is not a mapping on the way there."""
    if not isinstance(node, dict) or not path or path[0] not in node:
        return
    if len(path) > 1 and isinstance(node[path[0]], dict):
        _remove(node[path[0]], path[1:])
    else:
        del node[path[0]]
