"""Parsers of numbers on the command line; a wrong one is reported in one sentence."""

import math
from collections.abc import Callable

import typer


def whole_number(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``least`` to ``most``; it raises BadParameter."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise typer.BadParameter(f"'{text}' is not a whole number") from None
        if value < least:
            raise typer.BadParameter(f"must be at least {least}, not {value}")
        if value > most:
            raise typer.BadParameter(f"must be at most {most}, not {value}")
        return value

    return parse


def seconds(text: str) -> float:
    """Return a duration of zero or more seconds; raise BadParameter for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a number of seconds") from None
    # so written that NaN does not pass
    if not value >= 0:
        raise typer.BadParameter(f"must be at least 0 seconds, not {text}")
    return value
