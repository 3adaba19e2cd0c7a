"""YAML text to a mapping, by the YAML 1.2 core schema, with the line of every key.

PyYAML follows YAML 1.1, which reads ``1e-3`` as text, ``no`` as false, ``10:30`` as 630 and
``012`` as ten, and silently keeps the last of several equal keys. This loader does none of that.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from pathlib import Path

import yaml

from urnn_bench import files, text
from urnn_bench.errors import SpecError
from urnn_bench.spec.notation import shown, shown_name

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
# the largest benchmark of this package has 19 kB, and parsing a megabyte takes seconds
_LARGEST_FILE_MB = 1.0
# of nodes once every alias is replaced by what it stands for, and of lists within lists
_MOST_NODES, _DEEPEST = 200_000, 40
# a float has at most 308 digits before its point
_MOST_DIGITS = 300

KeyPath = tuple[str, ...]
Where = Callable[[KeyPath], str]
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
        keys = ".".join(map(shown_name, path))
        return f"{text.line(self.source)}{line}: " + (f"{keys}: " if path else "")


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2, without duplicate keys and without end.

    A node that contains itself, or that aliases make huge, is refused before it is built. What is
    built has no mapping or list in two places.
    """

    # not those of YAML 1.1, which SafeLoader has
    yaml_implicit_resolvers = {}
    yaml_constructors = {
        f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"]
        for kind in ("str", "seq", "map")
    } | {None: yaml.SafeLoader.yaml_constructors[None]}

    def get_single_node(self) -> yaml.Node | None:
        """Return the document's node; raise ConstructorError if it cannot be built."""
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            sizes = _Sizes()
            sizes.of(node)
            # before anything is built, as that writes what is merged into the nodes
            for mapping in sizes.mappings():
                self._require_distinct_keys(mapping)
        return node

    def construct_document(self, node: yaml.Node) -> object:
        """Build a document in which an alias is a copy, as settings edit it in place."""
        return _unshared(super().construct_document(node))

    def _require_distinct_keys(self, node: yaml.MappingNode) -> None:
        """Raise ConstructorError at the second use of a key."""
        seen: set[str | int | float] = set()
        for key_node, _ in node.value:
            is_merge = key_node.tag == _MERGE
            key = key_node.value if is_merge else self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float):
                raise _error_at("a key must be a name or a number", key_node)
            if key in seen:
                mend = "; merge a list, as in <<: [*a, *b]" if is_merge else ""
                raise _error_at(f"the key '{shown_name(key)}' is given twice{mend}", key_node)
            seen.add(key)


class _Sizes:
    """The number of nodes that a node stands for; each is counted once, however often used."""

    def __init__(self) -> None:
        self._known: dict[yaml.Node, int] = {}
        self._within: set[yaml.Node] = set()

    def of(self, node: yaml.Node) -> int:
        """Return the size; raise ConstructorError for recursion, depth, size or no text."""
        if node not in self._known:
            if node in self._within:
                raise _error_at("a value contains itself: recursion by an alias", node)
            if len(self._within) >= _DEEPEST:
                raise _error_at(f"there are more than {_DEEPEST} levels of lists", node)
            self._within.add(node)
            self._known[node] = 1 + sum(map(self.of, _children(node)))
            self._within.remove(node)
            if self._known[node] > _MOST_NODES:
                raise _error_at(f"there are more than {_MOST_NODES:,} values", node)
        return self._known[node]

    def mappings(self) -> list[yaml.MappingNode]:
        """Return the mappings that were counted, in the order of the document."""
        found = [node for node in self._known if isinstance(node, yaml.MappingNode)]
        return sorted(found, key=lambda node: int(node.start_mark.index))


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from chain.from_iterable(node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif any(0xD800 <= ord(character) <= 0xDFFF for character in node.value):
        raise _error_at("half of a surrogate pair is no text", node)


def _unshared(value: object) -> object:
    """Return a copy in which no mapping and no list occurs twice."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def _error_at(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


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
_FULL = {kind: re.compile(rf"(?:{pattern})\Z") for kind, (pattern, _) in _CORE.items()}
for _name, (_, _first) in _CORE.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", _FULL[_name], _first)


def _scalar(kind: str, convert: Callable[[str], object]) -> None:
    """Build a kind of scalar; with an explicit tag, only from what the core schema writes so."""

    def construct(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
        written = loader.construct_scalar(node)
        if not _FULL[kind].match(written):
            raise _error_at(f"{shown(written)} is not of the type !!{kind}", node)
        if kind == "int" and len(written) > _MOST_DIGITS:
            raise _error_at(f"Exceeds the limit of {_MOST_DIGITS} digits of a number", node)
        return convert(written)

    _Loader.add_constructor(f"{_TAG}{kind}", construct)


_scalar("null", lambda _: None)
_scalar("bool", lambda written: written.lower() == "true")
_scalar("int", int)
_scalar("float", lambda written: float(re.sub(r"\.(?=[inIN])", "", written)))


def parse_value(written: str) -> object:
    """Read the VALUE of ``--set PATH=VALUE`` as YAML; raise SpecError if it is not."""
    try:
        value: object = yaml.load(written, _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        problem = f"is not a YAML value: {_problem(error)}"
        raise SpecError(f"--set: '{shown_name(written)}' {problem}") from error
    return value


class Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads."""

    # a text that YAML 1.2 would read as something else is quoted
    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Write a value that occurs twice twice."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # other styles break a line within the value
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


Dumper.add_representer(str, _text)


def value_text(value: object) -> str:
    """Return the YAML on one line that ``parse_value`` reads as ``value``: its text if that is."""
    plain = str(value)
    if _is_read_as(plain, value):
        return plain
    dumped: str = yaml.dump(
        [value], Dumper=Dumper, default_flow_style=True, width=inf, allow_unicode=True
    )
    return dumped.strip()[1:-1]


def _is_read_as(plain: str, value: object) -> bool:
    try:
        return plain.isprintable() and parse_value(plain) == value
    except SpecError:
        return False


def read(path: Path) -> Document:
    """Read a benchmark file; raise SpecError with file, line and reason if it is not a mapping."""
    content, name = _content(path), text.line(str(path))
    try:
        # parsed once: the nodes have the lines, and the mapping is made of them
        loader = _Loader(content)
        node = loader.get_single_node()
        lines = dict(_lines(node, ()))
        mapping = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError(f"{name}{_line(error)}: {_problem(error)}") from error
    if not isinstance(mapping, dict):
        raise SpecError(f"{name}: a benchmark is a mapping of keys, not {_kind(mapping)}")
    return Document(str(path), mapping, lines)


def _content(path: Path) -> str:
    name = text.line(str(path))
    try:
        return files.read_bytes(path, _LARGEST_FILE_MB).decode("utf-8")
    # a path may hold a NUL byte
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise SpecError(f"{name}: cannot be read: {reason}") from error


def _lines(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key_path = (*path, str(key.value))
            yield key_path, key.start_mark.line + 1
            yield from _lines(value, key_path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            # an entry with a name is found by it, as the stages are
            for name in _names(item):
                yield (*path, name), item.start_mark.line + 1
                yield from _lines(item, (*path, name))


def _names(node: yaml.Node) -> list[str]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [str(value.value) for key, value in pairs if key.value == "name"]


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "lists or mappings are nested too deeply"
    problem = str(getattr(error, "problem", None) or error).split("\n")[0]
    if isinstance(error, yaml.composer.ComposerError) and error.context is not None:
        # PyYAML says half of it elsewhere
        return _COMPOSING.get(problem, problem)
    if r"'\t'" in problem:
        return "there is a tab; YAML is indented with spaces"
    return text.line(problem[:_LONGEST_PROBLEM])


_LONGEST_PROBLEM = 200
_COMPOSING = {
    "second occurrence": "an anchor of that name is given above; give this one another",
    "but found another document": "a second document begins; a file has one",
}


def _kind(value: object) -> str:
    return {list: "a list", type(None): "nothing"}.get(type(value), "a single value")
