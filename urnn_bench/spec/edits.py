"""Edits of the nested mappings of a file: write a value at a path, or remove one."""

from collections.abc import Iterable, Sequence
from copy import deepcopy

from urnn_bench.errors import SpecError
from urnn_bench.spec.grid import SIZES
from urnn_bench.spec.load import KeyPath, YamlMapping
from urnn_bench.spec.notation import shown_name

NAME = "name"
_MOST_DIGITS = 20


def write(node: YamlMapping, path: KeyPath, value: object, source: str) -> None:
    """Write a value, and the mappings that lead to it where there are none.

    Raises SpecError that begins with ``source`` if there is a single value on the way.
    """
    for key in path[:-1]:
        node = _child(node, key, source)
    _write_key(node, _same_key(node, path[-1]), value)


def remove(node: object, path: Sequence[str]) -> None:
    """Remove ``path`` from nested mappings, or a value that is not a mapping on the way there."""
    if not isinstance(node, dict) or not path or path[0] not in node:
        return
    if len(path) > 1 and isinstance(node[path[0]], dict):
        remove(node[path[0]], path[1:])
    else:
        del node[path[0]]


def remove_sizes(node: YamlMapping) -> None:
    """Remove the size, whichever way it is given."""
    for size in SIZES:
        node.pop(size, None)


def values(node: object) -> list[object]:
    """Return the values of a mapping; nothing of another node."""
    return list(node.values()) if isinstance(node, dict) else []


def mappings(node: object) -> list[YamlMapping]:
    """Return those values of a mapping that are mappings themselves."""
    return [value for value in values(node) if isinstance(value, dict)]


def _write_key(node: YamlMapping, key: object, value: object) -> None:
    if key == NAME and node.get(NAME, value) != value:
        # another optimizer, cell or task does not have the options of the old one
        node.clear()
    if key in SIZES:
        remove_sizes(node)
    node[key] = deepcopy(value)


def _child(node: YamlMapping, name: str, source: str) -> YamlMapping:
    """Return the mapping below a key; make it if there is none, or only the name of a component."""
    key = _same_key(node, name)
    child = node.get(key)
    if isinstance(child, str):
        child = {NAME: child}
    if not isinstance(child, dict | None):
        raise SpecError(f"{source}: there is nothing below '{shown_name(key)}' to set")
    mapping: YamlMapping = {} if child is None else child
    node[key] = mapping
    return mapping


def _same_key(node: Iterable[object], key: str) -> object:
    """Return the key of ``node`` that is written as ``key``: lengths are numbers in the file."""
    # isdecimal takes digits of every script, and a length has no more than these
    new = int(key) if key.isascii() and key.isdecimal() and len(key) < _MOST_DIGITS else key
    return next((known for known in node if str(known) == key), new)
