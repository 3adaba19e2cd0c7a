"""Draw a figure into files, given its name and options."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure as Drawing
from pydantic import ValidationError

from urnn_bench.analysis.results import Results
from urnn_bench.errors import (
    ComponentError,
    NothingToShowError,
    SpecError,
    attempt,
    first_line,
)
from urnn_bench.figures._style import save, style
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Registry
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.types import ComponentSpec


def draw(
    figures: Registry, figure: ComponentSpec, results: Results, target: Path, formats: Sequence[str]
) -> list[Path]:
    """Draw a figure into ``target`` with each format's suffix, and return the paths.

    Raises NothingToShowError if the records do not allow the figure.
    """
    kind = figures.get(figure.name, Figure)
    try:
        options = kind.Options.model_validate(figure.options)
    except ValidationError as error:
        raise _options_error(error, kind, figure.name) from error
    with style():
        drawing = kind(options).draw(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        paths = [target.with_suffix(f".{suffix}") for suffix in formats]
        for path in paths:
            save(drawing, path)
    return paths


def check_drawing(name: str, figure: Figure, results: Results, folder: Path) -> None:
    """Draw a figure into a folder; raise ComponentError if it is none, or changes the records.

    One that these records do not allow is as it should be.
    """
    before = [frame.copy() for frame in (results.runs, results.metrics)]
    with style():
        drawing = _drawn(name, figure, results)
        if drawing is not None:
            save(drawing, folder / f"{name}.png")
    for one, two in zip(before, (results.runs, results.metrics), strict=True):
        if not one.equals(two):
            raise ComponentError(
                f"the figure '{name}': `draw` changes the records, which other figures read; "
                "change a copy, such as results.runs.copy()"
            )


def _drawn(name: str, figure: Figure, results: Results) -> Drawing | None:
    """Return a drawing with labelled axes, None if there is nothing to show."""
    drawing = attempt(figure.draw, results)
    if isinstance(drawing, NothingToShowError):
        return None
    if isinstance(drawing, Exception):
        reason = f"{type(drawing).__name__}: {first_line(drawing)}"
        raise ComponentError(f"the figure '{name}': `draw` fails: {reason}") from drawing
    if not isinstance(drawing, Drawing):
        raise ComponentError(
            f"the figure '{name}': `draw` returned {type(drawing).__name__}; it must return a "
            "matplotlib.figure.Figure"
        )
    if any(ax.get_visible() and not ax.get_xlabel() for ax in drawing.axes):
        raise ComponentError(
            f"the figure '{name}': an axis has no label; say what it shows and its unit, such as "
            'ax.set_xlabel("T (steps)")'
        )
    return drawing


def _options_error(error: ValidationError, kind: type[Figure], name: str) -> SpecError:
    return spec_error(error, kind.Options, lambda path: f"{'.'.join(path)}: ", ("figures", name))
