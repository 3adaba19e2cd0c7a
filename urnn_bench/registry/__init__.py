"""Components found by file name, by entry point, or in a user's file.

``cells/urnn.py`` is the cell ``urnn``: the file name is the registration. Listing names and
their summaries imports no component, so it is quick and needs no torch.
"""

import ast
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import TypeVar

from urnn_bench.errors import UnknownComponentError, UsageError, attempt, first_line
from urnn_bench.global_state import kept
from urnn_bench.registry.classes import (
    faults_of,
    lacks,
    missing_members,
    subclasses,
)
from urnn_bench.renamed import one_warning_each
from urnn_bench.user_modules import (
    Source,
    imported_names,
    is_users,
    locate,
    read,
    source_hash,
    user_modules,
)

T = TypeVar("T")
_HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Registry:
    """The components of one kind; ``folder`` is both the subpackage and the entry point group.

    A folder in another one is written with a dot.
    """

    kind: str
    folder: str
    included: Mapping[str, Path] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """Return every known name, without importing any component."""
        return tuple(sorted({*self._files(), *self._entry_points(), *self.included}))

    def get(self, name: str, base: type[T]) -> type[T]:
        """Import the component ``name`` and return its one public subclass of ``base``.

        Raises UnknownComponentError, or UsageError if the component defines no such class.
        """
        if name in self.included:
            return _only_subclass(load_file(self.included[name]), base)
        if name in self._files():
            return _only_subclass(import_module(f"urnn_bench.{self.folder}.{name}"), base)
        if name in self._entry_points():
            return _loaded(self._entry_points()[name], base)
        raise UnknownComponentError(self.kind, name, self.names())

    def summary(self, name: str) -> str:
        """Return the first line of a component's docstring, read without importing it."""
        path = self.included.get(name) or self._files().get(name)
        if path is None:
            return f"from the package {self._entry_points()[name].value.split('.')[0]}"
        return (ast.get_docstring(ast.parse(path.read_bytes())) or "").split("\n")[0]

    def source(self, name: str) -> str | None:
        """Return the hash of a component's file and of what it imports of the user's.

        None if it belongs to this package.
        """
        if name in self.included:
            path = self.included[name]
            found = path.stat()
            return _file_hash(path, (found.st_mtime_ns, found.st_ctime_ns, found.st_size))
        if name not in self._files() and name in self._entry_points():
            return _module_hash(self._entry_points()[name].module)
        return None

    def include(self, path: Path) -> "Registry":
        """Return a registry that also knows the component in ``path``, named after the file."""
        existing = self.included.get(path.stem) or self._files().get(path.stem, path)
        if existing != path:
            raise UsageError(f"{path}: {existing} is called '{path.stem}' too; rename one of them")
        return replace(self, included={**self.included, path.stem: path})

    def _files(self) -> Mapping[str, Path]:
        return _own_files(_HERE.joinpath(*self.folder.split(".")))

    def _entry_points(self) -> Mapping[str, EntryPoint]:
        return _installed(f"urnn_bench.{self.folder}", tuple(sys.path))


@dataclass(frozen=True)
class Components:
    """The kinds of component; a model is named after its cell, and a unit is a part of one."""

    cells: Registry = Registry("model", "cells")
    tasks: Registry = Registry("task", "tasks")
    readouts: Registry = Registry("readout", "readouts")
    figures: Registry = Registry("figure", "figures")
    probes: Registry = Registry("probe", "probes")
    units: Registry = Registry("unit", "cells.units")


@cache
def _own_files(folder: Path) -> Mapping[str, Path]:
    """Return this package's components in a folder by name, listed once for all runs."""
    paths = folder.glob("*.py")
    return {p.stem: p for p in paths if p.stem != "base" and not p.stem.startswith("_")}


@cache
def _installed(group: str, _: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group, read once for a search path: it takes milliseconds."""
    return {point.name: point for point in entry_points(group=group)}


@cache
def _file_hash(path: Path, _: tuple[int, ...]) -> str:
    """Return the hash of a user's file, made once for a state of the file."""
    with kept():
        return source_hash(Source(path.read_bytes()))


@cache
def _module_hash(module: str) -> str | None:
    """Return the hash of an entry point's module, which covers its own package."""
    with kept():
        spec = locate(module)
        source = read(spec) if spec else None
        return source_hash(source, module.partition(".")[0]) if source else None


@cache
def load_file(path: Path) -> ModuleType:
    """Import a user's file; raise UsageError with the reason if that fails."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file to include")
    spec = importlib.util.spec_from_file_location(f"{_INCLUDED}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: --include takes a Python file whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    folders = _included_folders()
    # dataclasses and pydantic look up their module by name
    sys.modules[spec.name] = module
    with one_warning_each(), kept():
        error = attempt(spec.loader.exec_module, module)
        search_path = tuple(sys.path)
    if isinstance(error, Exception):
        del sys.modules[spec.name]
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise UsageError(f"{path}: cannot be imported: {reason}{_hint(path, error)}") from error
    try:
        _refuse_namesakes(path, search_path, folders)
    except UsageError:
        # it is not included, so no later search among the included files may find it
        del sys.modules[spec.name]
        raise
    return module


def _hint(path: Path, error: Exception) -> str:
    """Return how to import a module that is beside an included file, if that has failed."""
    name = (getattr(error, "name", None) or "").partition(".")[0]
    beside = name and any((path.parent / part).exists() for part in (name, f"{name}.py"))
    is_relative = isinstance(error, ImportError) and "relative import" in first_line(error)
    if not (beside or is_relative):
        return ""
    by_name = "import it by its name alone, and " if is_relative else ""
    return f"; {by_name}set PYTHONPATH={quote(str(path.parent))}"


_INCLUDED = "urnn_bench_included_"


def included_files() -> dict[str, Path]:
    """Return the users' files that are included already, by name."""
    modules = (module for name, module in sys.modules.items() if name.startswith(_INCLUDED))
    files = (Path(module.__file__) for module in modules if module.__file__)
    return {path.stem: path for path in files}


def _included_folders() -> set[Path]:
    return {path.parent for path in included_files().values()}


def _refuse_namesakes(path: Path, search_path: Sequence[str], folders: set[Path]) -> None:
    """Raise UsageError if a file has got, or would get, a module that another file means.

    Python has one module of a name: files of two folders, each with a module ``helper`` beside it,
    would silently share the first.
    """
    others = folders - {path.parent}
    root = Source(path.read_bytes())
    sources = (root, *user_modules(root).values())
    for name in sorted({name for source in sources for name in imported_names(source)}):
        used = _origin(locate(name))
        beside_another = used and not others.isdisjoint(used.parents)
        own_folder = (str(path.parent),) if beside_another else ()
        meant = _origin(locate(name, (*own_folder, *search_path)))
        # copies of one content are no matter
        if used and meant and used != meant and used.read_bytes() != meant.read_bytes():
            raise UsageError(
                f"{path}: imports '{name}', which is {used} in this process and not {meant}; "
                "rename one of the two, or include one file at a time"
            )


def _origin(spec: ModuleSpec | None) -> Path | None:
    """Return the file of a module of the user's."""
    return Path(spec.origin).resolve() if spec and spec.origin and is_users(spec) else None


def _loaded(point: EntryPoint, base: type[T]) -> type[T]:
    """Return the class of an entry point, or the only subclass of ``base`` in its module."""
    where = f"the entry point '{point.name}' ({point.value})"
    with one_warning_each(), kept():
        loaded = attempt(point.load)
    if isinstance(loaded, Exception):
        text = f"{where} cannot be loaded: {type(loaded).__name__}: {first_line(loaded)}"
        raise UsageError(text) from loaded
    if isinstance(loaded, ModuleType):
        return _only_subclass(loaded, base)
    if not (inspect.isclass(loaded) and issubclass(loaded, base)):
        raise UsageError(f"{where} is not a {base.__name__}")
    if missing_members(loaded, base):
        raise UsageError(f"{where}: {loaded.__name__} {lacks(loaded, base)}")
    return loaded


def _only_subclass(module: ModuleType, base: type[T]) -> type[T]:
    classes = subclasses(module, base)
    if len(classes) == 1:
        return classes[0]
    names = ", ".join(c.__name__ for c in classes) or "none"
    faults = [] if classes else faults_of(module, [base])
    advice = "begin the names of the others with an underscore" if classes else "; ".join(faults)
    text = f"{module.__file__}: must define exactly one public {base.__name__}, found {names}"
    raise UsageError(f"{text}; {advice}" if advice else text)
