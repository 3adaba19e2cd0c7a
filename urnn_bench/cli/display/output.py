"""The output of the program: data on stdout, messages on stderr.

A table becomes tab-separated lines in a pipe, where a drawn one would be cut to 80 columns.
Names are never read as markup, whatever brackets they contain, and never move the cursor or begin
a line or column of their own: every function here takes text as it is and makes it safe.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from urnn_bench.cli.display.drawn_tables import Column, draw
from urnn_bench.cli.display.paragraphs import paragraph, width_of
from urnn_bench.cli.display.streams import shows, write_err, write_out
from urnn_bench.records.jsonable import jsonable
from urnn_bench.text import csv_field, json_document, line, lines, message

if TYPE_CHECKING:
    import pandas as pd

Value = str | float | None
TableRow = Mapping[str, Value]

_MISSING = "–"
_BROKEN_PIPE = 141
# between these, floats are written without digits after the point
_LONG, _LONGEST = 1e3, 1e6


def echo_err(text: str) -> None:
    """Write a message to stderr: one line, which a terminal shows wrapped between its words."""
    write_err(f"{paragraph(message(text), width_of(sys.stderr))}\n")


def echo(*texts: str) -> None:
    """Write data to stdout, each text as one line; end the program if that fails."""
    _write("\n".join(map(line, texts)))


def echo_block(text: str) -> None:
    """Write a text of several lines to stdout; end the program if that fails."""
    _write(lines(text))


def echo_json(value: object) -> None:
    """Write one JSON document to stdout; end the program if that fails."""
    _write(json_text(value, indent=1))


def json_text(value: object, indent: int | None = None) -> str:
    """Return JSON that stdout can show; numbers that JSON cannot represent become null."""
    value = jsonable(value)
    text = json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False)
    if shows(text, sys.stdout):
        return json_document(text)
    return json.dumps(value, indent=indent, allow_nan=False)


def csv_text(frame: "pd.DataFrame") -> str:
    """Return a table as CSV in which no text is a formula."""
    safe = frame.copy()
    for name, column in frame.select_dtypes(exclude="number").items():
        cells = [_csv_value(value) for value in column]
        # with its dtype, as whole numbers beside a missing one would become fractions
        safe[name] = column.__class__(cells, column.index, dtype=column.dtype)
    return safe.to_csv(index=False)


def end_without_stdout(error: OSError) -> NoReturn:
    """End the program quietly if the reader has closed the pipe, otherwise by the error."""
    if isinstance(error, BrokenPipeError):
        sys.exit(_BROKEN_PIPE)
    raise error


def echo_rows(rows: Sequence[TableRow]) -> None:
    """Write a table whose headers are the keys of its rows."""
    echo_table(list(rows[0]), [list(row.values()) for row in rows])


def echo_table(
    headers: Sequence[str], rows: Sequence[Sequence[Value]], with_notes: bool = False
) -> None:
    """Write a table: drawn on a terminal, tab-separated elsewhere.

    ``with_notes``: the last column holds sentences, which a terminal shows below their rows.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        _write("\n".join("\t".join(map(shown, cells)) for cells in (headers, *rows)))
        return
    columns = [_column(line(name), [row[i] for row in rows]) for i, name in enumerate(headers)]
    notes = columns.pop().cells if with_notes else ()
    draw(columns, _MISSING, notes)


def _column(header: str, values: Sequence[Value]) -> Column:
    is_numeric = all(isinstance(value, int | float | None) for value in values)
    return Column(header, [shown(value) for value in values], is_numeric)


def shown(value: Value) -> str:
    """Return a value on one line, as it is shown in a table; an unknown one is a dash."""
    if value is None or value != value:
        return _MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if _LONG <= abs(value) < _LONGEST else f"{value:.3g}"
    return line(str(value))


def _write(text: str) -> None:
    try:
        write_out(f"{text}\n")
    except OSError as error:
        end_without_stdout(error)


def _csv_value(value: object) -> object:
    return csv_field(value) if isinstance(value, str) else value


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 run, 2 runs."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """Return a duration in words: 45 s, 3 min 20 s, 2 h 5 min."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60} min"
