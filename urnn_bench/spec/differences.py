"""What differs between a run and its benchmark, and how a label writes it."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from urnn_bench.spec.load import KeyPath, value_text
from urnn_bench.spec.settings_of import CELL, OPTIONS_OF_CELL, Settings

# the options that a component has if nothing is said, by the path of its name and the name
Defaults = Callable[[KeyPath, str], Mapping[str, object]]

# settings whose value tells what they are
_PLAIN = (("fit", "optimizer"), ("fit", "dtype"), CELL)
_SHORT = {("hidden",): "h", ("fit", "steps"): "updates"}
_HASH_DIGITS = 7
_SHA256 = re.compile("[0-9a-f]{64}")


def no_defaults(_: KeyPath, __: str) -> Mapping[str, object]:
    """Return that no component's options are known."""
    return {}


def differences(
    run: Settings, file: Settings, alike: Sequence[Settings], defaults: Defaults = no_defaults
) -> Settings:
    """Return the settings of a run that are not those of its benchmark's file.

    ``alike`` are the settings of all runs of this model and length. An option that the file leaves
    to its component differs if it is not the component's default, or, where that is not known, if
    those runs differ in it.
    """
    return {
        path: value for path, value in run.items() if _differs(path, run, file, alike, defaults)
    }


def _differs(
    path: KeyPath, run: Settings, file: Settings, alike: Sequence[Settings], defaults: Defaults
) -> bool:
    if path in file:
        return run[path] != file[path]
    if path[:-1] in file and path[:-1] not in run:
        # a part of what the file has as nothing, which says something unless it is off
        return run[path] not in (None, False)
    if any(known[: len(path)] == path for known in file):
        # nothing, where the file has parts
        return True
    is_alike = all(path in other and other[path] == run[path] for other in alike)
    # that of data may have changed for all of them
    if is_alike and not _is_hash(run[path]):
        return False
    owner = _owner(path)
    known = defaults(owner, str(run[owner])) if owner in run else {}
    return path[-1] not in known or known[path[-1]] != run[path]


def _owner(path: KeyPath) -> KeyPath:
    """Return the path of the name of the component that a path is an option of."""
    return CELL if path[:-1] == (OPTIONS_OF_CELL,) else path[:-1]


def label_parts(found: Settings) -> Sequence[str]:
    """Return settings as a label has them: ``adam``, ``h=64``, ``lr=0.01``."""
    count = Counter(path[-1] for path in found)
    return [_text(path, value, count[path[-1]] > 1) for path, value in found.items()]


def _text(path: KeyPath, value: object, is_ambiguous: bool) -> str:
    if path in _PLAIN:
        return str(value)
    name = _SHORT.get(path) or (".".join(path) if is_ambiguous else path[-1])
    shown = str(value)[:_HASH_DIGITS] if _is_hash(value) else value_text(value)
    return f"{name}={shown}"


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))
