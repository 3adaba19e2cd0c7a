"""Parsers of options that are repeatable and also take several values with commas between."""

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TypeVar

import typer

from urnn_bench.cli.options.numbers import LARGEST, whole_number
from urnn_bench.spec.notation import shown_name

V = TypeVar("V")

_RANGE = re.compile(r"\s*([0-9]{1,20})-([0-9]{1,20})\s*")
_MOST_IN_A_RANGE = 100_000


def whole_numbers(least: int, most: int = LARGEST) -> Callable[[str], tuple[int, ...]]:
    """Return a parser of ``100`` and ``100,500``; it raises BadParameter.

    An option with it has the callback ``joined``.
    """
    parse = whole_number(least, most)
    return lambda given: tuple(parse(part.strip()) for part in str(given).split(","))


def numbers_and_ranges(least: int, most: int = LARGEST) -> Callable[[str], tuple[int, ...]]:
    """Return a parser of ``0``, ``0-9`` and ``0,3,5-7``; it raises BadParameter.

    An option with it has the callback ``joined``.
    """
    parse = whole_number(least, most)

    def parse_part(part: str) -> Iterable[int]:
        if not (ends := _RANGE.fullmatch(part)):
            return (parse(part.strip()),)
        first, last = map(parse, ends.groups())
        if not 0 <= last - first < _MOST_IN_A_RANGE:
            text = f"a range such as 0-9 ascends, by at most {_MOST_IN_A_RANGE:,} numbers"
            raise typer.BadParameter(f"{text}, not {part.strip()}")
        return range(first, last + 1)

    return lambda given: tuple(chain.from_iterable(map(parse_part, str(given).split(","))))


def joined(values: list[tuple[V, ...]] | None) -> list[V] | None:
    """Return the values of every use of an option as one list: the option's callback."""
    return None if values is None else [*chain.from_iterable(values)]


def names(given: str) -> tuple[str, ...]:
    """Return the names in ``cost,learning_curves``; raise BadParameter for an empty one.

    An option with it has the callback ``joined``.
    """
    parts = tuple(part.strip() for part in given.split(","))
    if not all(parts):
        text = f"a name is missing in '{shown_name(given)}'" if len(parts) > 1 else "it is empty"
        raise typer.BadParameter(text)
    return parts
