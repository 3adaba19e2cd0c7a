"""How a table shows an interval of a mean over seeds, or the range of few seeds."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from urnn_bench.cli.display.output import TableRow, Value


class Ends(NamedTuple):
    """The low and the high end of a row's interval, and which kind of interval it is."""

    low: Value
    high: Value
    kind: str | None


def end_columns(rows: Sequence[Ends]) -> list[TableRow]:
    """Return the columns of every row; those of a range have other headers than an interval's.

    Where rows differ, a column more says which of the two each has.
    """
    kinds = {row.kind for row in rows} - {None}
    low, high = ("lowest", "highest") if kinds == {"range"} else ("low", "high")
    return [
        {low: row.low, high: row.high, **({"interval": row.kind} if len(kinds) > 1 else {})}
        for row in rows
    ]


def end_legend(kinds: Collection[str | None]) -> str:
    """Return what the columns mean."""
    if "range" not in kinds:
        return "low, high: its 95 % t interval"
    if "95 %" not in kinds:
        return "lowest, highest: of the seeds, as fewer than six make no interval"
    return "low, high: its 95 % t interval, or the range of fewer than six seeds"
