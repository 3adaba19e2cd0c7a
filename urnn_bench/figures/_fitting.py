"""Names and titles in lines that fit a drawing, however many and wide their letters are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import fill

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from urnn_bench.figures._style import NO_WIDTH, escaped

_POINTS_PER_INCH = 72
# of a name or a value, in letters
_LONGEST = 24
# of a legend: a line before a name and the space around both, and what an average letter takes
_HANDLE_INCHES, _LETTER_INCHES, _MARGIN_INCHES = 0.62, 0.072, 0.2
# by which a text may be wider than its outlines
_ROUNDING_INCHES = 0.05
# of a title
_LETTERS_PER_INCH, _TITLE_POINTS = 16, 8
# of a panel's title, and its share of what a panel and its labels take
_PANEL_POINTS, _PANEL_SHARE = 10, 0.9


def legend_columns(drawing: Figure, names: list[str]) -> int:
    """Return how many columns of a legend fit a drawing; matplotlib fills them one by one."""
    letters = [max(map(len, name.replace(NO_WIDTH, "").split("\n"))) for name in names]
    usual = [_HANDLE_INCHES + _LETTER_INCHES * count for count in letters]
    actual = [_HANDLE_INCHES + text_inches(name, _legend_points()) for name in names]
    room = drawing.get_figwidth()
    for count in range(len(names), 1, -1):
        is_narrow = _total(actual, count) <= room - _ROUNDING_INCHES
        if is_narrow and _total(usual, count) <= room - _MARGIN_INCHES:
            return count
    return 1


def legend_name(name: str, drawing: Figure) -> str:
    """Return a name of a legend in lines that fit a drawing."""
    inches = drawing.get_figwidth() - _MARGIN_INCHES - _HANDLE_INCHES
    return fitted(name, inches, _legend_points())


def wrapped(title: str, drawing: Figure, points: float = _TITLE_POINTS) -> str:
    """Return a title in lines that fit a drawing."""
    inches = drawing.get_figwidth()
    return fitted(title, inches - _MARGIN_INCHES, points, int(_LETTERS_PER_INCH * inches))


def panel_title(title: str, panel_inches: float) -> str:
    """Return the title of a panel in lines that do not reach into the next panel."""
    return fitted(title, _PANEL_SHARE * panel_inches, _PANEL_POINTS)


def fitted(text: str, inches: float, points: float, most_letters: int | None = None) -> str:
    """Break an escaped text into lines of so many letters that none is wider than ``inches``."""
    letters = min(most_letters or len(text), max(1, len(text)))
    broken = text if len(text) <= letters else _filled(text, letters)
    while letters > 1 and (width := text_inches(broken, points)) > inches:
        letters = max(1, min(letters - 1, int(letters * inches / width)))
        broken = _filled(text, letters)
    return broken


def text_inches(text: str, points: float) -> float:
    """Return how wide the widest line of a text is."""
    font = FontProperties(size=points)
    paths = [TextPath((0, 0), line, prop=font) for line in text.split("\n") if line]
    # the extents of straight lines need no loop over the curves of every letter
    lines = (path.cleaned(curves=False) for path in paths if len(path.vertices))
    widths = (path.get_extents().width for path in lines)
    return float(max(widths, default=0.0)) / _POINTS_PER_INCH


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a name or a value, its middle left out if it is long."""
    return cut(escaped(text), longest)


def cut(name: str, longest: int) -> str:
    """Return an escaped name, its middle left out if it has more letters."""
    text, half = name.replace(r"\$", "$"), (longest - 1) // 2
    if len(text) <= longest:
        return name
    return f"{text[:half]}…{text[-half:]}".replace("$", r"\$")


def distinct_names(texts: Iterable[str], longest: int = _LONGEST) -> list[str]:
    """Return texts shortened, with their number where two would look the same."""
    return numbered([shortened(text, longest) for text in texts])


def numbered(names: Sequence[str]) -> list[str]:
    """Return names with their number where two are the same."""
    count = Counter(names)
    return [s if count[s] == 1 else f"{s} ({i})" for i, s in enumerate(names, start=1)]


def _filled(text: str, letters: int) -> str:
    """Break an escaped text into lines, none of them within an escaped dollar."""
    return fill(text, letters).replace("\\\n$", "\n\\$")


def _legend_points() -> float:
    return float(rcParams["font.size"])


def _total(widths: list[float], columns: int) -> float:
    return float(sum(column.max() for column in np.array_split(widths, columns)))
