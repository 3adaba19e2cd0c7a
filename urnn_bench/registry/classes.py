"""The classes of a module that are components, and why others are none."""

import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar, TypeVar, get_origin

from urnn_bench.errors import closest

T = TypeVar("T")


def subclasses(module: ModuleType, base: type[T]) -> list[type[T]]:
    """Return the public complete subclasses of ``base`` that ``module`` defines itself."""
    return [kind for kind in _public(_defined(module, base)) if not missing_members(kind, base)]


def faults_of(module: ModuleType, bases: Iterable[type[object]]) -> list[str]:
    """Return why each class of a module that has no component of these bases is none."""
    faults: list[str] = []
    for base in bases:
        own = _defined(module, base)
        public = _public(own)
        hidden = [name for name, kind in own.items() if kind not in public]
        faults += [f"{kind.__name__} {lacks(kind, base)}" for kind in public]
        faults += [f"{name} is private; take the underscore from its name" for name in hidden]
        faults += [] if own else _imported(module, base)
    return faults


def missing_members(kind: type, base: type) -> list[str]:
    """Return the abstract members of a class, and those of ``base`` that have no value."""
    annotations = inspect.get_annotations(base).items()
    origins: dict[str, object] = {name: get_origin(what) for name, what in annotations}
    declared = {name for name, origin in origins.items() if origin is ClassVar}
    abstract: frozenset[str] = getattr(kind, "__abstractmethods__", frozenset())
    return sorted(abstract | {name for name in declared if not hasattr(kind, name)})


def lacks(kind: type, base: type) -> str:
    """Return "lacks `drive`", and which member of the class may be it."""
    missing, meant = missing_members(kind, base), slips(kind, base)
    hints = "".join(f"; should `{found}` be called `{name}`?" for name, found in meant.items())
    return f"lacks {', '.join(f'`{name}`' for name in missing)}{hints}"


def _defined(module: ModuleType, base: type[T]) -> dict[str, type[T]]:
    classes = {name: kind for name, kind in vars(module).items() if inspect.isclass(kind)}
    own = {name: kind for name, kind in classes.items() if kind.__module__ == module.__name__}
    return {name: kind for name, kind in own.items() if issubclass(kind, base)}


def _public(kinds: Mapping[str, type[T]]) -> list[type[T]]:
    # a class may have two names
    return list(dict.fromkeys(kind for name, kind in kinds.items() if not name.startswith("_")))


def _imported(module: ModuleType, base: type) -> list[str]:
    """Return a sentence for each component that a module imports and does not define."""
    kinds = {m for m in vars(module).values() if inspect.isclass(m) and issubclass(m, base)}
    names = sorted(k.__name__ for k in kinds if k is not base and not missing_members(k, base))
    return [f"{name} is imported, not defined here; define a subclass of it" for name in names]


def slips(kind: type, base: type) -> dict[str, str]:
    """Return, for a member that a class lacks, the one of the class that may be meant for it."""
    own = [name for name in vars(kind) if not name.startswith("_") and not hasattr(base, name)]
    missing = missing_members(kind, base)
    return {name: found for name in missing if (found := closest(name, own))}


def public_classes(module: ModuleType, base: type[T]) -> list[type[T]]:
    """Return the public subclasses of ``base`` that a module defines, complete or not."""
    return _public(_defined(module, base))


def repaired(kind: type[T], base: type[T]) -> list[type[T]]:
    """Return a class, or one in which misspelt members have the right names.

    Nothing if a member is missing that no other may be meant for.
    """
    meant = slips(kind, base)
    if missing_members(kind, base) != sorted(meant):
        return []
    if not meant:
        return [kind]
    members: dict[str, Any] = {name: vars(kind)[found] for name, found in meant.items()}
    return [type(kind.__name__, (kind,), {"__module__": kind.__module__, **members})]
