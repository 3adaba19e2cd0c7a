"""Components found by file name, by entry point, or in a user's file.

``cells/urnn.py`` is the cell ``urnn``: the file name is the registration. Listing names and
their summaries imports no component, so it is quick and needs no torch.
"""

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from urnn_bench.errors import UnknownComponentError, UsageError, attempt
from urnn_bench.global_state import kept

T = TypeVar("T")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Registry:
    """The components of one kind; ``folder`` is both the subpackage and the entry point group."""

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
        """Return the hash of a component's file, or None if it belongs to this package."""
        path = self.included.get(name)
        if path is None and name not in self._files() and name in self._entry_points():
            spec = importlib.util.find_spec(self._entry_points()[name].module)
            path = Path(spec.origin) if spec and spec.origin else None
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else None

    def include(self, path: Path) -> "Registry":
        """Return a registry that also knows the component in ``path``, named after the file."""
        existing = self.included.get(path.stem) or self._files().get(path.stem, path)
        if existing != path:
            raise UsageError(f"{path}: {existing} is called '{path.stem}' too; rename one of them")
        return replace(self, included={**self.included, path.stem: path})

    def _files(self) -> dict[str, Path]:
        paths = (_HERE / self.folder).glob("*.py")
        return {p.stem: p for p in paths if p.stem != "base" and not p.stem.startswith("_")}

    def _entry_points(self) -> Mapping[str, EntryPoint]:
        return _installed(f"urnn_bench.{self.folder}", tuple(sys.path))


@dataclass(frozen=True)
class Components:
    """The four kinds of component; a model is named after its cell."""

    cells: Registry = Registry("model", "cells")
    tasks: Registry = Registry("task", "tasks")
    figures: Registry = Registry("figure", "figures")
    probes: Registry = Registry("probe", "probes")


@cache
def _installed(group: str, _: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group, read once for a search path: it takes milliseconds."""
    return {point.name: point for point in entry_points(group=group)}


@cache
def load_file(path: Path) -> ModuleType:
    """Import a user's file; raise UsageError with the reason if that fails."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file to include")
    spec = importlib.util.spec_from_file_location(f"urnn_bench_included_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: --include takes a Python file whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    # dataclasses and pydantic look up their module by name
    sys.modules[spec.name] = module
    with kept():
        error = attempt(spec.loader.exec_module, module)
    if isinstance(error, Exception):
        del sys.modules[spec.name]
        raise UsageError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    return module


def subclasses(module: ModuleType, base: type[T]) -> list[type[T]]:
    """Return the public concrete subclasses of ``base`` that ``module`` defines itself."""
    members = [m for name, m in vars(module).items() if inspect.isclass(m) and name[0] != "_"]
    own = [m for m in members if m.__module__ == module.__name__ and issubclass(m, base)]
    return [m for m in own if not inspect.isabstract(m)]


def _loaded(point: EntryPoint, base: type[T]) -> type[T]:
    """Return the class of an entry point, or the only subclass of ``base`` in its module."""
    where = f"the entry point '{point.name}' ({point.value})"
    with kept():
        loaded = attempt(point.load)
    if isinstance(loaded, Exception):
        text = f"{where} cannot be loaded: {type(loaded).__name__}: {loaded}"
        raise UsageError(text) from loaded
    if isinstance(loaded, ModuleType):
        return _only_subclass(loaded, base)
    if not (inspect.isclass(loaded) and issubclass(loaded, base)):
        raise UsageError(f"{where} is not a {base.__name__}")
    return loaded


def _only_subclass(module: ModuleType, base: type[T]) -> type[T]:
    classes = subclasses(module, base)
    if len(classes) != 1:
        names = ", ".join(c.__name__ for c in classes) or "none"
        text = f"{module.__file__}: must define exactly one public {base.__name__}, found {names}"
        raise UsageError(text)
    return classes[0]
