"""The modules of the user's that a file imports, and one hash of all of them.

What is installed is left out. Modules are found in the source and on the search path, so none is
imported to be hashed.
"""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import NamedTuple

_THIS_PACKAGE = __name__.partition(".")[0]
_HERE = Path(__file__).parent
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
_DYNAMIC = frozenset({"import_module", "__import__"})


class Source(NamedTuple):
    """The content of a module, and the package that its relative imports begin from."""

    content: bytes
    package: str = ""


def source_hash(root: Source, own_package: str = "") -> str:
    """Return the hash of a source and of the user's modules that it imports, directly or not.

    Modules of ``own_package`` count wherever they are installed. Without any, it is the hash of the
    content alone. It depends on names and contents, not on where the files are.
    """
    digest = hashlib.sha256(root.content)
    for name, module in sorted(user_modules(root, own_package).items()):
        digest.update(f"\n{name} {hashlib.sha256(module.content).hexdigest()}".encode())
    return digest.hexdigest()[:16]


def user_modules(root: Source, own_package: str = "") -> Mapping[str, Source]:
    """Return the user's modules that a source imports, directly or not, by their names."""
    found: dict[str, Source] = {}
    visited, waiting = set[str](), list(imported_names(root))
    while waiting:
        name = waiting.pop()
        if name in visited:
            continue
        visited.add(name)
        spec = locate(name)
        if spec is None or not is_users(spec, own_package):
            continue
        module = read(spec)
        if module is not None:
            found[name] = module
            waiting += imported_names(module)
    return found


def locate(name: str, search_path: Sequence[str] | None = None) -> ModuleSpec | None:
    """Return where an import finds a module, or None; nothing is imported.

    It is found as the process has it, or on ``search_path`` if that is given.
    """
    parent, _, _ = name.rpartition(".")
    try:
        if search_path is None and name in sys.modules:
            return sys.modules[name].__spec__
        if parent:
            package = locate(parent, search_path)
            folders = package and package.submodule_search_locations
            return PathFinder.find_spec(name, list(folders)) if folders else None
        return find_spec(name) if search_path is None else PathFinder.find_spec(name, search_path)
    # a module that was made by hand has no spec, and a finder may refuse a name
    except (ImportError, ValueError, AttributeError, OSError):
        return None


def is_users(spec: ModuleSpec, own_package: str = "") -> bool:
    """Return whether a module is the user's: not this package's, not installed, not Python's."""
    top = spec.name.partition(".")[0]
    if top == _THIS_PACKAGE or spec.origin is None or not spec.has_location:
        return False
    return top == own_package or is_users_file(Path(spec.origin))


def is_users_file(path: Path) -> bool:
    """Return whether a file is the user's: not this package's, not installed, not Python's."""
    if _HERE in path.parents:
        return False
    installed = not _INSTALLED.isdisjoint(path.parts)
    return not installed and not any(folder in path.parents for folder in _STANDARD)


def read(spec: ModuleSpec) -> Source | None:
    """Return the source of a module; None for a namespace package, or what cannot be read."""
    get_data = getattr(spec.loader, "get_data", None)
    if get_data is None or spec.origin is None or not spec.has_location:
        return None
    is_package = spec.submodule_search_locations is not None
    try:
        return Source(get_data(spec.origin), spec.name if is_package else spec.parent or "")
    except OSError:
        return None


def imported_names(source: Source) -> Iterator[str]:
    """Yield the dotted names that a source may import, with every package above them.

    A name that is imported from a package may be a module or not.
    """
    for node in _nodes(source.content):
        for name in _names(node, source.package):
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _nodes(content: bytes) -> Iterator[ast.AST]:
    """Yield the nodes of a source; none of what is compiled, or has an error of syntax."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from ast.walk(tree)


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _names_from(node, package)
    elif isinstance(node, ast.Call) and _last_name(node.func) in _DYNAMIC and node.args:
        yield from _text(node.args[0])


def _names_from(node: ast.ImportFrom, package: str) -> Iterator[str]:
    try:
        module = resolve_name("." * node.level + (node.module or ""), package)
    # relative, in a file that is in no package
    except ImportError:
        return
    yield module
    for alias in node.names:
        names = _exported(module) if alias.name == "*" else iter((alias.name,))
        yield from (f"{module}.{name}" for name in names)


def _exported(module: str) -> Iterator[str]:
    """Yield the names in ``__all__``: a star imports those that are modules too."""
    spec = locate(module)
    source = read(spec) if spec and is_users(spec, module.partition(".")[0]) else None
    for node in _nodes(source.content) if source else ():
        if isinstance(node, ast.Assign) and "__all__" in map(_last_name, node.targets):
            for part in ast.walk(node.value):
                yield from _text(part)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
