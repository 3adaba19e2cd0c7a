"""What leaves the program: data on stdout, sentences on stderr.

A table becomes tab-separated lines in a pipe, because a drawn one would be cut to 80 columns.
Names are never read as markup, whatever brackets they hold.
"""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from urnn_bench.records.record import jsonable

_MISSING = "–"
_BROKEN_PIPE = 141
# with its header, a table of one row, which has nothing to tell apart
_ROWS = 2
# numbers between these are written out
_LONG, _LONGEST = 1e3, 1e6


def echo_err(text: str) -> None:
    """Write a sentence for people to stderr, never wrapped."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def echo_folder(results: Path | None) -> None:
    """Say what to add to commands that are proposed, if the records are in a given folder."""
    if results is not None:
        echo_err(f"to commands named here add: {shlex.join(['--results', str(results)])}")


def echo(text: str) -> None:
    """Write data to stdout; end the program quietly if whoever read it has gone."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # nothing may be flushed into the closed pipe at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)


def echo_json(value: Any, indent: int | None = 1) -> None:
    """Write one JSON document to stdout; numbers that JSON cannot hold become null."""
    echo(json.dumps(jsonable(value), indent=indent, allow_nan=False, ensure_ascii=False))


def echo_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table: drawn on a terminal, tab-separated elsewhere."""
    if sys.stdout is None or not sys.stdout.isatty():
        lines = ["\t".join(headers), *("\t".join(map(shown, row)) for row in rows)]
        echo("\n".join(lines))
        return
    console = Console()
    columns, said = _told_apart(_columns(headers, rows), console.width)
    for name, value in said:
        console.print(Text(f"{name}: {value}"))
    table = Table(box=None, padding=(0, 1, 0, 0))
    whole = _whole(columns, console.width)
    for i, values in enumerate(columns):
        side: Literal["left", "right"] = "right" if _numbers(values) else "left"
        least = _width(values) if _numbers(values) else None
        table.add_column(
            Text(values[0]), justify=side, no_wrap=i in whole, min_width=least, overflow="fold"
        )
    for row in zip(*(values[1:] for values in columns), strict=True):
        table.add_row(*(Text(shown(value)) for value in row))
    console.print(table)


def _told_apart(
    columns: list[list[Any]], room: int
) -> tuple[list[list[Any]], list[tuple[str, str]]]:
    """Part columns from those that say the same in every row, if the table is too wide for both."""
    if sum(map(_width, columns)) + len(columns) <= room or len(columns[0]) <= _ROWS:
        return columns, []
    same = [len({shown(value) for value in values[1:]}) == 1 for values in columns]
    kept = [values for values, alike in zip(columns, same, strict=True) if not alike]
    told = [
        (str(values[0]), shown(values[1]))
        for values, alike in zip(columns, same, strict=True)
        if alike
    ]
    return kept or columns, [
        (name, text) for name, text in told if text not in ("", _MISSING) and kept
    ]


def _width(values: Sequence[Any]) -> int:
    return max(len(shown(value)) for value in values)


def _whole(columns: Sequence[Sequence[Any]], room: int) -> set[int]:
    """Return the columns whose cells are kept on one line, the narrowest first.

    Numbers always are, as one broken over two lines reads as another; text is while every other
    column still has room for its longest word.
    """
    full = [_width(values) for values in columns]
    least = [max(map(len, " ".join(map(shown, values)).split())) for values in columns]
    whole = {i for i, values in enumerate(columns) if _numbers(values)}
    for i in sorted(set(range(len(columns))) - whole, key=full.__getitem__):
        taken = (full[k] if k in {*whole, i} else least[k] for k in range(len(columns)))
        if sum(taken) + len(columns) <= room:
            whole.add(i)
    return whole


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float | None) for value in values[1:])


def shown(value: Any) -> str:
    """Return a value as people read it; what is not known is a dash."""
    if value is None or value != value:
        return _MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if _LONG <= abs(value) < _LONGEST else f"{value:.3g}"
    return str(value)


def duration(seconds: float) -> str:
    """Return a length of time as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _columns(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [[header, *(row[i] for row in rows)] for i, header in enumerate(headers)]
