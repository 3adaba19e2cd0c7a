"""``urnn-bench plot``: figures from records alone."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.cli.display.output import echo, echo_err, echo_json
from urnn_bench.cli.options import report as options
from urnn_bench.cli.options.shared import Benchmark, Include, Json, Lengths, Results
from urnn_bench.cli.sources import load_components, selected_runs
from urnn_bench.errors import (
    NothingToShowError,
    RecordsError,
    UnknownComponentError,
    UrnnBenchError,
    attempt,
)
from urnn_bench.files import require_real_folder
from urnn_bench.proposals import program
from urnn_bench.records.folder import default_results, make_writable
from urnn_bench.registry import Components
from urnn_bench.run.matrix import check_figures
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark
from urnn_bench.spec.types import ComponentSpec

# that a proposed command names
_MOST_MODELS = 4

if TYPE_CHECKING:
    from urnn_bench.analysis.results import Results as LoadedResults


def plot(
    benchmark: Benchmark = None,
    figures: options.Figures = None,
    lengths: Lengths = None,
    results: Results = None,
    out: options.Out = None,
    include: Include = None,
    formats: options.Formats = None,
    json: Json = False,
) -> None:
    """Draw figures from the records and write their paths to stdout."""
    from urnn_bench.analysis.results import framed

    components = load_components(include or [])
    if out:
        make_writable(out, "--out")
    suffixes = [format_.value for format_ in formats or [options.FigureFormat.png]]
    written: list[str] = []
    missing: list[str] = []
    failed: dict[str, Exception] = {}
    unwritable: list[RecordsError] = []
    root = out or results or default_results()
    for selected in selected_runs(benchmark, lengths, results, include):
        loaded = _of_some_models(framed(selected))
        folder = _figure_folder(out, results, loaded.benchmark)
        for figure in _figures(components, benchmark or loaded.benchmark, figures):
            path = folder / f"{figure.name}{_lengths_suffix(lengths)}"
            try:
                drawn = _drawn(components, figure, loaded, path, suffixes, root)
            except RecordsError as error:
                # the folders of other benchmarks may be writable
                unwritable.append(error)
                break
            if isinstance(drawn, list):
                written += map(str, drawn)
            else:
                missing.append(_reason(figure.name, drawn))
                failed |= {} if isinstance(drawn, NothingToShowError) else {figure.name: drawn}
    _report(written, [*missing, *map(str, unwritable[:-1])], json)
    if unwritable:
        raise unwritable[-1]
    # without a name every figure is tried, and some are of a user's
    if failed and figures:
        raise UrnnBenchError(f"could not be drawn: {', '.join(failed)}")
    if not written:
        raise NothingToShowError("no figure could be drawn from these records")


def _of_some_models(loaded: "LoadedResults") -> "LoadedResults":
    """Return results whose command trains a few of many models, such as those of a search."""
    command = loaded.command
    return replace(loaded, command=replace(command, models=command.models[:_MOST_MODELS]))


def _drawn(
    components: Components,
    figure: ComponentSpec,
    loaded: "LoadedResults",
    path: Path,
    suffixes: Sequence[str],
    root: Path,
) -> list[Path] | Exception:
    """Return the files of a figure, or why it could not be drawn; its code may be a user's.

    Raises UrnnBenchError for wrong options, or if the folder cannot be written to.
    """
    from urnn_bench.figures._drawing import draw

    with _writing_to(path.parent, root):
        drawn = attempt(draw, components.figures, figure, loaded, path, suffixes)
        if isinstance(drawn, OSError):
            raise drawn
    if isinstance(drawn, UrnnBenchError) and not isinstance(drawn, NothingToShowError):
        raise drawn
    return drawn


def _reason(figure: str, error: Exception) -> str:
    if isinstance(error, NothingToShowError):
        return f"{figure}: {error}"
    return f"figure {figure}: {type(error).__name__}: {error}"


def _figure_folder(out: Path | None, results: Path | None, benchmark: str) -> Path:
    return out / benchmark if out else (results or default_results()) / benchmark / "figures"


@contextmanager
def _writing_to(folder: Path, root: Path) -> Iterator[None]:
    """Raise RecordsError that names --out if nothing can be written, or only through a link."""
    try:
        require_real_folder(folder, root)
        yield
    except OSError as error:
        raise RecordsError(
            f"{error.filename or folder}: no figure can be written there ({error.strerror}); "
            "choose another folder with --out"
        ) from error


def _lengths_suffix(lengths: list[int] | None) -> str:
    return "".join(f"-T{T}" for T in sorted({*(lengths or [])}))


def _report(written: list[str], missing: list[str], json: bool) -> None:
    for text in _each_command_once(missing):
        echo_err(text)
    if json:
        echo_json({"figures": written, "missing": missing})
    elif written:
        echo(*written)


def _each_command_once(hints: Iterable[str]) -> Iterator[str]:
    """Yield hints; a command that an earlier one has shown is not repeated."""
    first_figures: dict[str, str] = {}
    for hint in hints:
        text, start, options = hint.partition(f": {shlex.join(program())} ")
        first = first_figures.setdefault(options, hint.partition(":")[0])
        is_repeated = bool(start) and not hint.startswith(f"{first}:")
        yield f"{text} the command for {first}" if is_repeated else hint


def _figures(
    components: Components, benchmark: str, requested: list[str] | None
) -> list[ComponentSpec]:
    """Return the requested figures, else all, with the benchmark's options; its own come first."""
    own = _own_figures(components, benchmark)
    for name in requested or []:
        if name not in components.figures.names():
            raise UnknownComponentError("figure", name, components.figures.names())
    names = requested or [*own, *components.figures.names()]
    return [own.get(name) or ComponentSpec(name=name) for name in dict.fromkeys(names)]


def _own_figures(components: Components, benchmark: str) -> dict[str, ComponentSpec]:
    """Return the figures of a benchmark's file; none if only records are left of it."""
    if benchmark not in catalogue.names() and not Path(benchmark).is_file():
        return {}
    checked = check_benchmark(*catalogue.find(benchmark), Selection(), components.cells.names())
    check_figures(components, checked)
    return {figure.name: figure for figure in checked.benchmark.figures}
