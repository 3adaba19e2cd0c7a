"""Values that JSON can hold."""

from collections.abc import Mapping
from math import isfinite


def jsonable(value: object) -> object:
    """Return ``value`` with None for every number that is not finite, which JSON cannot hold.

    Nor can it hold the bytes of a file name that is not UTF-8; they become escapes.
    """
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
