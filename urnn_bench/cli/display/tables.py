"""A table in the formats of ``urnn-bench table``."""

from collections.abc import Callable, Collection, Mapping, Sequence

from urnn_bench.cli.display.latex import write_latex
from urnn_bench.cli.display.output import TableRow, csv_text, echo_block, echo_err, echo_rows, shown
from urnn_bench.cli.options.report import TableFormat
from urnn_bench.text import markdown


def write_table(
    format_: TableFormat,
    rows: Sequence[Mapping[str, object]],
    narrow: Sequence[TableRow],
    counts: Collection[str],
    notes: Sequence[str] = (),
) -> None:
    """Write rows to stdout: all their columns as CSV, those of ``narrow`` in other formats.

    ``counts`` are columns of whole numbers, some of which may be missing. ``notes`` say what the
    columns are: comments of a table in LaTeX, which is read elsewhere, and messages beside others.
    """
    if format_ is TableFormat.latex:
        write_latex(narrow, notes)
        return
    if format_ is TableFormat.csv:
        _write_csv(rows, counts)
    else:
        _WRITERS[format_](narrow)
    for note in notes:
        echo_err(note)


def _write_markdown(rows: Sequence[TableRow]) -> None:
    from tabulate import tabulate

    cells = [{k: markdown(shown(v)) for k, v in row.items()} for row in rows]
    echo_block(tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True))


def _write_csv(rows: Sequence[Mapping[str, object]], counts: Collection[str]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows).astype(dict.fromkeys(counts, "Int64"))
    echo_block(csv_text(frame).rstrip("\n"))


_WRITERS: dict[TableFormat, Callable[[Sequence[TableRow]], None]] = {
    TableFormat.text: echo_rows,
    TableFormat.markdown: _write_markdown,
}
