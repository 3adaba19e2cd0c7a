"""A table in LaTeX whose numbers have their decimal points above each other."""

import re
from collections.abc import Sequence

from urnn_bench.cli.display.output import TableRow, Value, echo_block, shown
from urnn_bench.text import line

# siunitx writes 9.2e-05 as 9.2 times a power of ten
_PACKAGES = r"% needs \usepackage{booktabs} and \usepackage{siunitx}"
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")
# siunitx takes what is in braces as text
_MISSING = "{--}"


def write_latex(rows: Sequence[TableRow], notes: Sequence[str]) -> None:
    """Write a table with a caption and a label, below comments that hold ``notes``."""
    import pandas as pd

    numeric = [name for name in rows[0] if all(_is_number(row[name]) for row in rows)]
    frame = pd.DataFrame([{k: _cell(v, k in numeric) for k, v in row.items()} for row in rows])
    style = frame.style.hide(axis="index").format_index("{{{}}}", escape="latex", axis="columns")
    style = style.format(escape="latex", subset=frame.columns.difference(numeric))
    types = [_column_type(list(frame[name])) if name in numeric else "l" for name in frame.columns]
    table = style.to_latex(
        column_format="".join(types),
        hrules=True,
        position_float="centering",
        caption="Scores of recurrent networks.",
        label="tab:scores",
    )
    comments = [f"% {line(note)}" for note in notes]
    echo_block("\n".join((_PACKAGES, *comments, table.rstrip())))


def _is_number(value: Value) -> bool:
    return value is None or bool(_NUMBER.fullmatch(shown(value))) or value != value


def _cell(value: Value, is_numeric: bool) -> str:
    is_missing = is_numeric and (value is None or value != value)
    return _MISSING if is_missing else shown(value)


def _column_type(cells: Sequence[str]) -> str:
    """Return a column of siunitx with room for the digits of its longest numbers."""
    found = [match for cell in cells if (match := _NUMBER.fullmatch(cell))]
    if not found:
        return "c"
    sign = "-" if any(match[1] for match in found) else ""
    digits, decimals = (max(len(match[i] or "") for match in found) for i in (2, 3))
    exponents = [f"{int(match[4]):d}" for match in found if match[4]]
    exponent = f"e{max(exponents, key=len)}" if exponents else ""
    return f"S[table-format={sign}{digits}.{decimals}{exponent}]"
