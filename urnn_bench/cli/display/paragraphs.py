"""Sentences wrapped at the width of a terminal; in a pipe or a file they stay on one line."""

import os
import re
import shlex
import textwrap
from typing import TextIO

from urnn_bench.proposals import program

_DEFAULT_WIDTH = 80
_INDENT = "  "


def width_of(stream: TextIO | None) -> int | None:
    """Return the columns of a terminal, ``$COLUMNS`` if that is set; None for another stream."""
    if stream is None or not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    except (OSError, ValueError):
        return _DEFAULT_WIDTH


def paragraph(text: str, width: int | None) -> str:
    """Return a text of one line, wrapped between words if it is wider than ``width``.

    A command to type is a line of its own and never broken, so that it can be copied.
    """
    if width is None or len(text) <= width:
        return text
    sentence, command = _split_command(text)
    lines = [wrapped(sentence, width), *([f"{_INDENT}{command}"] if command else [])]
    return "\n".join(lines)


def wrapped(text: str, width: int, first_indent: str = "", indent: str = _INDENT) -> str:
    """Return a text wrapped between words; a word wider than ``width`` stays whole."""
    return textwrap.fill(
        text,
        width,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _split_command(text: str) -> tuple[str, str]:
    """Return what comes before a command to type, and the command with what follows it."""
    words = re.escape(shlex.join(program()))
    found = re.search(rf"(?<=: ){words} [a-z]", text)
    return (text, "") if found is None else (text[: found.start()].rstrip(), text[found.start() :])
