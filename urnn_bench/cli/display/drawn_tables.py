"""Tables as a terminal shows them: no word is broken, whatever its width.

A table that is too wide loses the columns that say the same in every row to lines above it, then
wraps its sentences. What still does not fit is shown as one record after the other.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from urnn_bench.cli.display.paragraphs import paragraph, wrapped

# header and one row, in which every column is constant
_TOO_FEW_LINES = 2
# a narrower column of sentences is hard to read
_LEAST_WIDTH = 24
_INDENT = "  "
# that of a record's values, where a name may have spaces too
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Column:
    """One column of a table: its header, and the text of every cell."""

    header: str
    cells: Sequence[str]
    is_numeric: bool

    @property
    def texts(self) -> list[str]:
        """The header and the cells."""
        return [self.header, *self.cells]

    @property
    def width(self) -> int:
        """The width of the longest cell."""
        return max(map(len, self.texts))

    @property
    def least_width(self) -> int:
        """The width below which the column is not readable.

        Numbers are never broken, as one on two lines reads as another; nor are words. A short text
        takes two lines at most.
        """
        if self.is_numeric:
            return self.width
        longest_word = max(map(len, " ".join(self.texts).split()), default=0)
        return min(self.width, max(longest_word, min(_LEAST_WIDTH, self.width // 2 + 2)))

    @property
    def is_constant(self) -> bool:
        """Whether every row shows the same."""
        return len(set(self.cells)) == 1


def draw(columns: Sequence[Column], missing: str, notes: Sequence[str] = ()) -> None:
    """Draw a table; ``notes`` are texts that stand below its rows, ``missing`` an empty cell."""
    console = Console()
    varying, constant = _split_constant(columns, console.width)
    for column in constant:
        if column.cells[0] not in ("", missing):
            _print(console, f"{column.header}: {column.cells[0]}")
    if (widths := _widths(varying, console.width)) is None:
        _draw_records(console, varying, missing, notes)
    elif notes:
        _draw_with_notes(console, varying, widths, notes)
    else:
        console.print(_table(varying, widths, range(len(varying[0].cells))))


def _split_constant(
    columns: Sequence[Column], room: int
) -> tuple[Sequence[Column], Sequence[Column]]:
    """Return the columns to draw, and those that become a line above a table that is too wide."""
    fits = _total([column.width for column in columns]) <= room
    varying = [column for column in columns if not column.is_constant]
    if fits or len(columns[0].texts) <= _TOO_FEW_LINES or not varying:
        return columns, []
    return varying, [column for column in columns if column.is_constant]


def _widths(columns: Sequence[Column], room: int) -> list[int] | None:
    """Return a width for every column; None if some would be too narrow.

    What is left of the room goes to the columns in equal parts, as far as they need it.
    """
    widths = [column.least_width for column in columns]
    left = room - _total(widths)
    if left < 0:
        return None
    lacking = [column.width - column.least_width for column in columns]
    for place, i in enumerate(sorted(range(len(columns)), key=lacking.__getitem__)):
        added = min(lacking[i], left // (len(columns) - place))
        widths[i] += added
        left -= added
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(widths) - 1


def _table(
    columns: Sequence[Column], widths: Sequence[int], rows: Sequence[int], with_header: bool = True
) -> Table:
    table = Table(
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_header=with_header,
        collapse_padding=True,
    )
    for column, width in zip(columns, widths, strict=True):
        side: Literal["left", "right"] = "right" if column.is_numeric else "left"
        table.add_column(Text(column.header), justify=side, width=width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(column.cells[row]) for column in columns))
    return table


def _draw_with_notes(
    console: Console, columns: Sequence[Column], widths: Sequence[int], notes: Sequence[str]
) -> None:
    for row, note in enumerate(notes):
        console.print(_table(columns, widths, [row], with_header=row == 0))
        _print_note(console, note)


def _draw_records(
    console: Console, columns: Sequence[Column], missing: str, notes: Sequence[str]
) -> None:
    """Draw every row as its name, and lines of the other columns below it."""
    named = _naming(columns)
    for row in range(len(columns[0].cells)):
        _print(console, " ".join(_name(column, row) for column in columns[:named]))
        shown = [c for c in columns[named:] if c.cells[row] not in ("", missing)]
        if shown:
            is_alone = len(columns) == named + 1
            pairs = [shown[0].cells[row]] if is_alone else [_pair(c, row) for c in shown]
            _print(console, _joined(pairs, console.width))
        _print_note(console, notes[row] if notes else "")


def _naming(columns: Sequence[Column]) -> int:
    """Return how many of the first columns it takes to tell rows apart, all but one at most."""
    rows = len(columns[0].cells)
    for count in range(1, len(columns)):
        if len(set(zip(*(column.cells for column in columns[:count]), strict=True))) == rows:
            return count
    return max(1, len(columns) - 1)


def _name(column: Column, row: int) -> str:
    return _pair(column, row) if column.is_numeric else column.cells[row]


def _pair(column: Column, row: int) -> str:
    return f"{column.header} {column.cells[row]}"


def _joined(pairs: Sequence[str], room: int) -> str:
    """Return texts in lines; a short one is not broken."""
    kept = [p.replace(" ", _NO_BREAK_SPACE) if len(p) <= room // 2 else p for p in pairs]
    return wrapped(", ".join(kept), room, _INDENT).replace(_NO_BREAK_SPACE, " ")


def _print_note(console: Console, note: str) -> None:
    if note:
        text = paragraph(note, console.width - len(_INDENT))
        _print(console, textwrap.indent(text, _INDENT))


def _print(console: Console, text: str) -> None:
    # wrapped already, where it can be
    console.print(Text(text), soft_wrap=True)
