"""A legend above the panels of a drawing: every label once, in at most a fifth of the drawing."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.legend import Legend

from urnn_bench.figures._fitting import cut, legend_columns, legend_name, numbered, wrapped
from urnn_bench.figures._style import NO_WIDTH

# of a drawing's area, and how much higher a drawing may become if there is another way
MOST_SHARE, _MOST_GROWTH = 0.2, 2.0
# of a name, in letters, and how much wider the drawing becomes, from what is tried first
_WAYS = ((200, 1.0), (48, 1.0), (24, 1.0), (24, 1.4), (24, 2.0))


def entries_of(axes: Sequence[Axes], last: tuple[str, ...]) -> dict[str, Artist]:
    """Return every label of some panels once; labels that end in one of ``last`` come last."""
    entries: dict[str, Artist] = {}
    for ax in axes:
        handles, names = ax.get_legend_handles_labels()
        entries.update(zip(names, handles, strict=True))
    return {name: entries[name] for name in sorted(entries, key=lambda n: n.endswith(last))}


def add_legend(drawing: Drawing, entries: dict[str, Artist], title: str, note: str = "") -> None:
    """Draw a legend above the panels, with a note on a line of its own below the title.

    The drawing becomes higher if the legend would take more than its share. Names are shortened,
    and the drawing becomes wider, where it would become much higher.
    """
    width, height = drawing.get_size_inches()
    for way in _WAYS:
        longest, growth = way
        drawing.set_figwidth(growth * width)
        heading = "\n".join(wrapped(line, drawing) for line in (title, note) if line)
        drawn = _draw(drawing, entries, heading, longest)
        inches = _needed_inches(drawing, drawn)
        if inches <= _MOST_GROWTH * height or way == _WAYS[-1]:
            break
        drawn.remove()
    drawing.set_figheight(max(inches, height))


def _needed_inches(drawing: Drawing, drawn: Legend) -> float:
    """Return how high a drawing is of which a legend takes its share."""
    box = drawn.get_window_extent()
    return float(box.width * box.height / drawing.bbox.width / drawing.dpi / MOST_SHARE)


def _draw(drawing: Drawing, entries: dict[str, Artist], heading: str, longest: int) -> Legend:
    short = numbered([cut(name, longest) for name in entries])
    names = [legend_name(name, drawing) for name in short]
    drawn = drawing.legend(
        list(entries.values()),
        names,
        loc="outside upper center",
        ncols=legend_columns(drawing, names),
        title=heading,
        title_fontsize=8,
    )
    for text in drawn.get_texts():
        text.set_text(text.get_text().removeprefix(NO_WIDTH))
    return drawn
