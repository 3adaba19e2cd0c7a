"""Parsers of numbers on the command line; a wrong one is reported in one sentence."""

import re
from collections.abc import Callable
from math import inf

import typer

from urnn_bench.spec.notation import shown_name

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
# what a tensor's size, and a loop of torch's, can be
LARGEST = 2**63 - 1
# no machine gains by more, and OpenMP crashes at tens of thousands
MOST_THREADS = 1024


def whole_number(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """Return a parser of whole numbers from ``least`` to ``most``; it raises BadParameter."""

    def parse(given: str | int) -> int:
        # typer passes the default through here too
        text = str(given)
        # int also takes digits of other scripts and 1_000, and fails at 4,300 digits
        if not _WHOLE.fullmatch(text):
            raise typer.BadParameter(f"'{shown_name(text)}' is not a whole number")
        value = int(text)
        if value < least:
            raise typer.BadParameter(f"must be at least {least}, not {value}")
        if value > most:
            raise typer.BadParameter(f"must be at most {most}, not {value}")
        return value

    return parse


def ratio(given: str | float) -> float:
    """Return a finite ratio of one or more; raise BadParameter for anything else."""
    try:
        value = float(given)
    except ValueError:
        raise typer.BadParameter(f"'{shown_name(str(given))}' is not a ratio") from None
    if not 1 <= value < inf:
        raise typer.BadParameter(f"must be a ratio of at least 1, not {shown_name(str(given))}")
    return value


def seconds(text: str) -> float:
    """Return a duration of zero or more seconds; raise BadParameter for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise typer.BadParameter(f"'{shown_name(text)}' is not a number of seconds") from None
    # so written that NaN does not pass
    if not value >= 0:
        raise typer.BadParameter(f"must be at least 0 seconds, not {shown_name(text)}")
    return value


def jobs(given: str | int) -> int | None:
    """Return a number of processes, None for "auto"; raise BadParameter for anything else."""
    text = str(given)
    if text == "auto":
        return None
    if not _WHOLE.fullmatch(text):
        raise typer.BadParameter(f"'{shown_name(text)}' is neither a whole number nor auto")
    return whole_number(1, MOST_THREADS)(text)
