"""Hooks of components that were renamed: a file that still has an old name is told the new one."""

from collections.abc import Mapping


def refuse_renamed(component: type, renamed: Mapping[str, str]) -> None:
    """Raise TypeError if a class itself defines a name that is a key of ``renamed``.

    Nothing would call it, and what its base class does instead is silently something else.
    """
    for old, new in renamed.items():
        if old in vars(component):
            raise TypeError(f"{component.__name__}.{old} was renamed to {new}; rename it")
