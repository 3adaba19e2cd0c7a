"""From a benchmark and a user's selection to runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from pydantic import ValidationError

from urnn_bench.errors import SpecError, UnknownComponentError
from urnn_bench.spec import overrides
from urnn_bench.spec.axes import CellOptions as CellOptions
from urnn_bench.spec.axes import grids_of_models, points_of
from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.draft import draft_of, fit_of
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.load import Document, KeyPath, Where
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.unresolved import CheckedBenchmark as CheckedBenchmark
from urnn_bench.spec.unresolved import UnresolvedRun as UnresolvedRun
from urnn_bench.spec.without_faults import without_faults

_MODELS = ("models",)
_MOST_RUNS = 100_000


@dataclass(frozen=True)
class Selection:
    """The user's selection from a benchmark; an empty tuple means all that the file lists."""

    lengths: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    settings: tuple[Override, ...] = ()


def check_benchmark(
    name: str, document: Document, selection: Selection, cells: Sequence[str]
) -> CheckedBenchmark:
    """Check a benchmark with the selection written into it.

    ``cells`` are models that may be selected even if the file does not list them.
    Raises SpecError with file, line, path and near miss.
    """
    faults = Faults()
    found = check_benchmark_with_faults(name, document, selection, cells, faults)
    faults.check()
    (checked,) = found
    return checked


def check_benchmark_with_faults(
    name: str, document: Document, selection: Selection, cells: Sequence[str], faults: Faults
) -> tuple[CheckedBenchmark, ...]:
    """Check a benchmark, and add what is wrong to ``faults``.

    Returns none if nothing else can be checked then, and else what is right of it.
    """
    edited = edited_document(document, selection, cells)

    def where(path: KeyPath) -> str:
        return overrides.where(edited, selection.settings, path)

    try:
        found: tuple[Benchmark, ...] = (Benchmark.model_validate(edited.mapping),)
    except ValidationError as error:
        faults.add(spec_error(error, Benchmark, where))
        faults.run(_check_fit, edited, where)
        found = without_faults(edited.mapping, error)
    return tuple(CheckedBenchmark(name, benchmark, where) for benchmark in found)


def edited_document(document: Document, selection: Selection, cells: Sequence[str]) -> Document:
    """Return a benchmark's document with the settings and the models of a selection in it."""
    return overrides.apply(document, _settings(document, selection, cells), selection.models)


def _check_fit(document: Document, where: Where) -> None:
    """Raise SpecError if the common ``fit`` is wrong, which a benchmark does not check itself."""
    try:
        Fit.model_validate(document.mapping.get("fit", {}))
    except ValidationError as error:
        raise spec_error(error, Fit, lambda path: where(("fit", *path))) from error


def drafts(
    checked: CheckedBenchmark, selection: Selection, options_of: CellOptions | None = None
) -> list[UnresolvedRun]:
    """Expand a benchmark into seeds × lengths × models, seeds outermost.

    With seeds outermost, a matrix that is stopped early has still compared every model. An axis
    over an option that a model's cell does not have, says ``options_of``, leaves the model alone.
    Raises SpecError if a ``fit`` is wrong, also that of a length that is not selected.
    """
    faults = Faults()
    found = drafts_with_faults(checked, selection, options_of, faults)
    faults.check()
    return found


def drafts_with_faults(
    checked: CheckedBenchmark,
    selection: Selection,
    options_of: CellOptions | None,
    faults: Faults,
) -> list[UnresolvedRun]:
    """Expand a benchmark, and add what is wrong to ``faults``.

    If that is anything, the runs serve to check their components alone.
    """
    benchmark = checked.benchmark
    for T, overlay in benchmark.T.items():
        faults.run(fit_of, checked, {("T", str(T)): overlay}, checked.where)
    settings = overrides.summary(selection.settings)
    seeds, lengths = selection.seeds or benchmark.seeds, selection.lengths or benchmark.T
    labels = selection.models or benchmark.models
    if not faults.run(_check_count, checked, len(seeds) * len(lengths) * len(labels)):
        return []
    gridded = grids_of_models(checked, options_of, faults)
    of_labels = {
        label: faults.or_else([], points_of, checked, label, gridded[_model_of(label)])
        for label in labels
    }
    # checked once: a seed changes nothing else
    of_a_seed = [
        draft_of(checked, label, point, T, seeds[0], settings, faults)
        for T in lengths
        for label, points in of_labels.items()
        for point in points
    ]
    return [replace(draft, seed=seed) for seed in seeds for draft in of_a_seed]


def _model_of(label: str) -> str:
    return label.partition(GRID_SEPARATOR)[0]


def _check_count(checked: CheckedBenchmark, without_grid: int) -> None:
    """Refuse more runs than a file system, and a plan that is held in memory, can take."""
    grid = checked.benchmark.grid
    count = without_grid * prod(map(len, grid.values()))
    if count > _MOST_RUNS:
        where = checked.where(("grid",) if grid else ())
        raise SpecError(f"{where}these are {count:,} runs; at most {_MOST_RUNS:,} can be planned")


def _settings(
    document: Document, selection: Selection, cells: Sequence[str]
) -> tuple[Override, ...]:
    """Return the settings, with an entry for each selected model that is only known as a cell."""
    models = document.mapping.get("models")
    known = models if isinstance(models, Mapping) else {}
    requested = dict.fromkeys(name.partition(GRID_SEPARATOR)[0] for name in selection.models)
    paths = [setting.path for setting in selection.settings]
    added = {path[1] for path in paths if path[:1] == _MODELS and len(path) > 1}
    for name in requested:
        if name not in known and name not in cells and name not in added:
            raise UnknownComponentError("model", name, {*map(str, known), *cells})
    new = [Override((*_MODELS, name), {}) for name in requested if name not in known]
    return (*new, *selection.settings)
