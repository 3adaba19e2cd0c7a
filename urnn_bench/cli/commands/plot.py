"""``urnn-bench plot``: figures from records alone."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.cli.display.output import echo, echo_err, echo_json
from urnn_bench.cli.options import report as options
from urnn_bench.cli.options.filters import All, Models, ResultsFolders, Wheres
from urnn_bench.cli.options.shared import Benchmark, Include, Json, Lengths
from urnn_bench.cli.sources import Request, filters_of, load_components, selected_runs
from urnn_bench.errors import (
    NothingToShowError,
    RecordsError,
    UnknownComponentError,
    UrnnBenchError,
    UsageError,
    attempt,
    first_line,
)
from urnn_bench.figures.base import Figure
from urnn_bench.files import require_real_folder
from urnn_bench.proposals import program
from urnn_bench.records.folder import make_writable
from urnn_bench.registry import Components
from urnn_bench.run.matrix import check_figures
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.user_frames import place_of

# that a proposed command names
_MOST_MODELS = 4

if TYPE_CHECKING:
    from urnn_bench.analysis.results import Results as LoadedResults


def plot(
    benchmark: Benchmark = None,
    figures: options.Figures = None,
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    show_all: All = False,
    metric: options.Drawn = None,
    x: options.X = None,
    results: ResultsFolders = None,
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
    filters = filters_of(lengths, models, where, show_all)
    request = Request(benchmark, tuple(results or ()), filters, tuple(include or ()))
    root, axes = out or request.folders[0], {"metric": metric, "x": x.value if x else None}
    outcome = _Outcome(are_requested=bool(figures))
    for selected in selected_runs(request):
        loaded = _of_some_models(framed(selected))
        folder = _figure_folder(out, root, loaded.benchmark)
        chosen = _figures(components, benchmark or loaded.benchmark, figures, axes)
        paths = {folder / f"{one.name}{_lengths_suffix(lengths)}": one for one in chosen}
        _draw_all(outcome, components, loaded, paths, suffixes, root)
    _report(outcome, json)
    _require_drawn(outcome)


@dataclass
class _Outcome:
    """The files of figures, and why others are not drawn.

    ``missing`` says of each reason whether it is told even of a figure that was not requested.
    """

    are_requested: bool
    written: list[str] = field(default_factory=list)
    missing: dict[str, bool] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    unwritable: list[RecordsError] = field(default_factory=list)

    def add(self, figure: str, drawn: list[Path] | Exception) -> None:
        """Add the files of a figure, or why it could not be drawn."""
        if isinstance(drawn, list):
            self.written += map(str, drawn)
            return
        is_failure = not isinstance(drawn, NothingToShowError)
        # one with a cause is of records that are damaged
        is_told = self.are_requested or is_failure or drawn.__cause__ is not None
        self.missing[_reason(figure, drawn)] = is_told
        if is_failure:
            self.failed[figure] = drawn


def _draw_all(
    outcome: _Outcome,
    components: Components,
    loaded: "LoadedResults",
    figures: Mapping[Path, ComponentSpec],
    suffixes: Sequence[str],
    root: Path,
) -> None:
    """Draw the figures of one benchmark, by their paths, as far as its folder can be written to."""
    for path, figure in figures.items():
        try:
            outcome.add(figure.name, _drawn(components, figure, loaded, path, suffixes, root))
        except RecordsError as error:
            # the folders of other benchmarks may be writable
            outcome.unwritable.append(error)
            return


def _require_drawn(outcome: _Outcome) -> None:
    """Raise what ends the command if a folder, a requested figure or every figure failed."""
    if outcome.unwritable:
        raise outcome.unwritable[-1]
    # without a name every figure is tried, and some are of a user's
    if outcome.failed and outcome.are_requested:
        raise UrnnBenchError(f"could not be drawn: {', '.join(outcome.failed)}")
    if not outcome.written:
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
    return f"figure {figure}: {type(error).__name__}: {first_line(error)}{place_of(error)}"


def _figure_folder(out: Path | None, root: Path, benchmark: str) -> Path:
    return out / benchmark if out else root / benchmark / "figures"


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


def _report(outcome: _Outcome, json: bool) -> None:
    """Write paths to stdout, and to stderr why a figure that was asked for is not drawn.

    Of those that are drawn if records allow it, only the names are written.
    """
    # the last one ends the command
    told = map(str, outcome.unwritable[:-1])
    written, missing = outcome.written, outcome.missing | dict.fromkeys(told, True)
    for text in _each_command_once(text for text, is_wanted in missing.items() if is_wanted):
        echo_err(text)
    others = [text.partition(":")[0] for text, is_wanted in missing.items() if not is_wanted]
    if others:
        names = ", ".join(dict.fromkeys(others))
        echo_err(f"not drawn, as the records lack what they show: {names}")
        echo_err("--figure NAME says what a figure needs")
    if json:
        echo_json({"figures": written, "missing": [*missing]})
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
    components: Components,
    benchmark: str,
    requested: list[str] | None,
    axes: Mapping[str, str | None],
) -> list[ComponentSpec]:
    """Return the requested figures, else all, with the benchmark's options; its own come first.

    ``axes`` are set in every figure that has them; raises UsageError if none has.
    """
    own = _own_figures(components, benchmark)
    for name in requested or []:
        if name not in components.figures.names():
            raise UnknownComponentError("figure", name, components.figures.names())
    names = requested or [*own, *components.figures.names()]
    chosen = [own.get(name) or ComponentSpec(name=name) for name in dict.fromkeys(names)]
    given = {key: value for key, value in axes.items() if value is not None}
    return _with_axes(components, chosen, given) if given else chosen


def _with_axes(
    components: Components, figures: Sequence[ComponentSpec], axes: Mapping[str, str]
) -> list[ComponentSpec]:
    """Return the figures that have all of these axes, with the values that are given for them."""
    kinds = {figure.name: components.figures.get(figure.name, Figure) for figure in figures}
    having = [f for f in figures if axes.keys() <= kinds[f.name].Options.model_fields.keys()]
    if not having:
        raise UsageError(f"none of these figures has a choice of {' and '.join(axes)}")
    return [
        f.model_copy(update={"options": kinds[f.name].with_axes(f.options, axes)}) for f in having
    ]


def _own_figures(components: Components, benchmark: str) -> dict[str, ComponentSpec]:
    """Return the figures of a benchmark's file; none if only records are left of it."""
    if benchmark not in catalogue.names() and not Path(benchmark).is_file():
        return {}
    checked = check_benchmark(*catalogue.find(benchmark), Selection(), components.cells.names())
    check_figures(components, checked)
    return {figure.name: figure for figure in checked.benchmark.figures}
