"""Tables and numbers as Markdown."""

from collections.abc import Iterable, Sequence
from math import floor, log10

_TINY = 1e-3


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a bar within a cell is escaped."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def short(value: float, digits: int = 3) -> str:
    """Return a number to some significant digits, whole ones with all; a tiny one as 1.2e-7."""
    if value == round(value):
        return f"{value:,.0f}"
    if abs(value) < _TINY:
        mantissa, exponent = f"{value:.{digits - 2}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{round(value, digits - 1 - floor(log10(abs(value)))):,.{places}f}"


def listed(values: Sequence[str]) -> str:
    """Return "a, b and c"."""
    *first, last = values
    return f"{', '.join(first)} and {last}" if first else last


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Return the lowest and the highest value, or the one that all have."""
    low, high = short(min(values), digits), short(max(values), digits)
    return low if low == high else f"{low} to {high}"
