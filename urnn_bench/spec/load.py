"""YAML text to a mapping, by the YAML 1.2 core schema, with the line of every key.

PyYAML follows YAML 1.1, which reads ``1e-3`` as text, ``no`` as false, ``10:30`` as 630 and
``012`` as ten, and silently keeps the last of several equal keys. This loader does none of that.
"""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from urnn_bench.errors import SpecError

_MERGE = "tag:yaml.org,2002:merge"

KeyPath = tuple[str, ...]
# keys are text, or numbers such as lengths
YamlMapping = dict[object, object]


@dataclass(frozen=True)
class Document:
    """A YAML file as a mapping, and the line of every key path, from 1."""

    source: str
    mapping: YamlMapping
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def depth(self, path: KeyPath) -> int:
        """Return how many keys of ``path`` are in the file."""
        return next((n for n in range(len(path), 0, -1) if path[:n] in self.lines), 0)

    def where(self, path: KeyPath) -> str:
        """Return "file, line n: a.b.c" for the deepest known part of ``path``."""
        known = path[: self.depth(path)]
        line = f", line {self.lines[known]}" if known else ""
        return f"{self.source}{line}: " + (f"{'.'.join(path)}: " if path else "")


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2 and without duplicate keys."""

    # not those of YAML 1.1, which SafeLoader has
    yaml_implicit_resolvers = {}

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """Build a mapping; raise ConstructorError at the second use of a key."""
        seen: set[str | int | float] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float):
                raise _error_at("a key must be a name or a number", key_node)
            if key in seen:
                raise _error_at(f"the key '{key}' is given twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _error_at(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_CORE = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    "merge": (r"<<", ["<"]),
}
for _tag, (_pattern, _first) in _CORE.items():
    _full = re.compile(rf"^(?:{_pattern})$")
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _full, _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def parse_value(text: str) -> object:
    """Read the VALUE of ``--set PATH=VALUE`` as YAML; raise SpecError if it is not."""
    try:
        value: object = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(f"--set: '{text}' is not a YAML value: {_problem(error)}") from error
    return value


def read(path: Path) -> Document:
    """Read a benchmark file; raise SpecError with file, line and reason if it is not a mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from error
    try:
        # parsed once: the nodes have the lines, and the mapping is made of them
        loader = _Loader(text)
        node = loader.get_single_node()
        lines = dict(_lines(node, ()))
        mapping = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecError(f"{path}{_line(error)}: {_problem(error)}") from error
    if not isinstance(mapping, dict):
        raise SpecError(f"{path}: a benchmark is a mapping of keys, not {_kind(mapping)}")
    return Document(str(path), mapping, lines)


def _lines(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key_path = (*path, str(key.value))
            yield key_path, key.start_mark.line + 1
            yield from _lines(value, key_path)


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: Exception) -> str:
    text = str(getattr(error, "problem", None) or error).split("\n")[0]
    if r"'\t'" in text:
        return "there is a tab; YAML is indented with spaces"
    return text


def _kind(value: object) -> str:
    return {list: "a list", type(None): "nothing"}.get(type(value), "a single value")
