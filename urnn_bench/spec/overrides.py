"""Edits of a benchmark's mapping before it is checked: ``--set``, ``--updates`` and their kin."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any, TypeGuard

from urnn_bench.errors import SpecError
from urnn_bench.spec.load import Document, KeyPath, parse_value

_SIZES = ("hidden", "parameters")


@dataclass(frozen=True)
class Override:
    """One ``PATH=VALUE`` of the command line."""

    path: KeyPath
    value: Any

    @property
    def text(self) -> str:
        """The setting as ``PATH=VALUE``."""
        return f"{'.'.join(self.path)}={self.value}"

    @property
    def source(self) -> str:
        """Where it was given, for error messages."""
        return f"--set {self.text}"


def parse_override(text: str) -> Override:
    """Read ``PATH=VALUE``; raise SpecError if there is no path or the value is not YAML."""
    path, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in path.split("."))
    if not equals or not all(keys):
        raise SpecError(f"--set takes PATH=VALUE, such as fit.optimizer.lr=1e-2, not '{text}'")
    return Override(keys, parse_value(value))


def apply(document: Document, settings: Sequence[Override]) -> Document:
    """Return the document with every setting written into its mapping, in order.

    A setting of ``fit.…`` holds for every run, and so does one of the size: what models and
    lengths say of the same key is removed, so that a user's wish is never overlaid in silence.
    """
    mapping = deepcopy(document.mapping)
    lengths = mapping.get("T")
    if isinstance(lengths, list) and all(type(length) is int for length in lengths):
        mapping["T"] = {length: {} for length in lengths}
    for leaf in chain.from_iterable(map(_leaves, settings)):
        _remove_overlays(mapping, leaf.path)
        _write(mapping, leaf)
    return Document(document.source, mapping, document.lines)


def _leaves(setting: Override) -> Sequence[Override]:
    """Read ``fit={steps: 5, batch: 2}`` as a setting of each of its keys."""
    if setting.path != ("fit",) or not isinstance(setting.value, dict):
        return [setting]
    return [Override(("fit", str(key)), value) for key, value in setting.value.items()]


def summary(settings: Sequence[Override]) -> tuple[str, ...]:
    """Return what settings come to: the last for every path, in the order of the paths."""
    last = {leaf.path: leaf.text for leaf in chain.from_iterable(map(_leaves, settings))}
    return tuple(text for _, text in sorted(last.items()))


def where(document: Document, settings: Sequence[Override], path: KeyPath) -> str:
    """Say where ``path`` was last given: on the command line, else in the file."""
    known = document.depth(path)
    for setting in reversed(settings):
        shared = _shared(setting.path, path)
        if shared > known or shared == len(setting.path):
            return f"{setting.source}: "
    return document.where(path)


def _shared(one: KeyPath, other: KeyPath) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay ``over`` on ``base``, key by key; another ``name`` replaces its mapping whole."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if _same_kind(old, value) else value
    return result


def _same_kind(old: Any, new: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether both are mappings, and of one name if they have names."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return False
    return bool(new.get("name", old.get("name")) == old.get("name"))


def _write(mapping: dict[str, Any], setting: Override) -> None:
    node: Any = mapping
    for key in setting.path[:-1]:
        node = _child(node, key, setting)
    key = _same_key(node, setting.path[-1])
    if key == "name" and node.get("name", setting.value) != setting.value:
        # the options of another optimizer, cell or task mean nothing to this one
        node.clear()
    if key in _SIZES:
        _remove_sizes(node)
    node[key] = deepcopy(setting.value)


def _child(node: dict[Any, Any], key: str, setting: Override) -> dict[Any, Any]:
    key = _same_key(node, key)
    old = node.get(key)
    if isinstance(old, str):
        node[key] = {"name": old}
    elif old is None:
        node[key] = {}
    elif not isinstance(old, dict):
        raise SpecError(f"{setting.source}: there is nothing below '{key}' to set")
    child: dict[Any, Any] = node[key]
    return child


def _same_key(node: Mapping[Any, Any], key: str) -> Any:
    """Return the key of ``node`` written as ``key``: lengths are numbers in the file."""
    new = int(key) if key.isdecimal() else key
    return next((k for k in node if str(k) == key), new)


def _remove_overlays(mapping: dict[str, Any], path: KeyPath) -> None:
    models, lengths = mapping.get("models"), mapping.get("T")
    models = [m for m in models.values() if isinstance(m, dict)] if isinstance(models, dict) else []
    lengths = list(lengths.values()) if isinstance(lengths, dict) else []
    if path[0] == "fit":
        for overlay in (*(model.get("fit") for model in models), *lengths):
            _remove(overlay, path[1:])
        _remove_from_grid(mapping.get("grid"), list(path[1:]))
    if path[0] in _SIZES:
        for model in models:
            _remove_sizes(model)


def _remove_from_grid(grid: Any, path: list[str]) -> None:
    """Remove the axes of a grid that set what ``path`` sets, or a part of it, or more."""
    for key in [*grid] if isinstance(grid, dict) else []:
        axis = str(key).split(".")
        if all(one == other for one, other in zip(axis, path, strict=False)):
            del grid[key]


def _remove_sizes(node: dict[str, Any]) -> None:
    for size in _SIZES:
        node.pop(size, None)


def _remove(node: Any, path: KeyPath) -> None:
    """Remove ``path`` from nested mappings, or what stands in its way."""
    if not isinstance(node, dict) or not path or path[0] not in node:
        return
    if len(path) > 1 and isinstance(node[path[0]], dict):
        _remove(node[path[0]], path[1:])
    else:
        del node[path[0]]
