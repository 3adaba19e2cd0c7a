"""Draw a figure into files, given its name and options."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from urnn_bench.analysis.results import Results
from urnn_bench.errors import SpecError
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


def _options_error(error: ValidationError, kind: type[Figure], name: str) -> SpecError:
    return spec_error(error, kind.Options, lambda path: f"{'.'.join(path)}: ", ("figures", name))
