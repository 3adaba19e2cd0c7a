"""The runs that the command line selects from benchmarks."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from urnn_bench.errors import UnknownComponentError, UsageError
from urnn_bench.figures.base import Figure
from urnn_bench.records.folder import default_results
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.labels import split_labels
from urnn_bench.spec.load import Document, KeyPath
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.plausible import warn_of_late_probes
from urnn_bench.spec.resolved import resolved_text
from urnn_bench.spec.run import Run
from urnn_bench.spec.sweep import (
    CheckedBenchmark,
    Selection,
    UnresolvedRun,
    check_benchmark_with_faults,
    drafts_with_faults,
    edited_document,
)
from urnn_bench.spec.types import ComponentSpec


class Matrix(NamedTuple):
    """The requested runs, the benchmarks whose runs are stacked, and what they were given as."""

    runs: list[Run]
    together: frozenset[str]
    given: Mapping[str, str]


def matrix(
    components: Components,
    names: list[str],
    selection: Selection,
    probe: bool = False,
    results: Path | None = None,
) -> Matrix:
    """Return the runs that benchmarks and selection request, each once.

    ``results`` holds the runs whose weights they start from, the default folder if not given.
    """
    from urnn_bench.run.start import with_starts

    runs: dict[tuple[str, str], Run] = {}
    together = set()
    sources: dict[str, str] = {}
    as_given: dict[str, str] = {}
    for given in names:
        name, document = catalogue.find(given)
        as_given.setdefault(name, given)
        if sources.setdefault(name, document.source) != document.source:
            raise UsageError(
                f"{sources[name]} and {document.source} are both called '{name}', and "
                "their records would be mixed; rename one"
            )
        selected = selected_of(document, selection, probe)
        checked, unresolved, planned = _planned(components, name, document, selected)
        if checked.benchmark.together:
            together.add(name)
        planned = with_starts(components, planned, unresolved, results or default_results())
        warn_of_late_probes(planned, checked.where)
        runs |= {(name, run.slug): run for run in planned}
    return Matrix(list(runs.values()), frozenset(together), as_given)


class _Planned(NamedTuple):
    """A benchmark, its runs as the file writes them, and as they are trained."""

    checked: CheckedBenchmark
    unresolved: list[UnresolvedRun]
    runs: list[Run]


def _planned(
    components: Components, name: str, document: Document, selection: Selection
) -> _Planned:
    """Return the runs of a benchmark; raise SpecError with all faults of its file."""
    from urnn_bench.run.resolve import cell_options, resolve_with_faults

    faults, cells = Faults(), components.cells.names()
    found: list[_Planned] = []
    for checked in check_benchmark_with_faults(name, document, selection, cells, faults):
        faults.run(check_figures, components, checked)
        drafts = drafts_with_faults(checked, selection, cell_options(components), faults)
        runs = resolve_with_faults(components, name, drafts, faults)
        found.append(_Planned(checked, drafts, runs))
    faults.check()
    (planned,) = found
    return planned


def config_text(
    components: Components,
    name: str,
    selection: Selection,
    probe: bool = False,
    stacked: bool | None = None,
) -> str:
    """Return a benchmark with a selection written into it as YAML; raise UsageError."""
    _, document = catalogue.find(name)
    selected = selected_of(document, selection, probe)
    edited = edited_document(document, selected, components.cells.names())
    return resolved_text(edited.mapping, selected, stacked)


def selected_of(document: Document, selection: Selection, probe: bool = False) -> Selection:
    """Return the selection with one label for each model of ``urnn,lstm``, and with probes."""
    models = document.mapping.get("models")
    known = {*map(str, models)} if isinstance(models, Mapping) else set()
    labels = (label for given in selection.models for label in split_labels(given, known))
    selected = replace(selection, models=tuple(dict.fromkeys(labels)))
    return _with_probes(selected) if probe and "probes" not in document.mapping else selected


def _with_probes(selection: Selection) -> Selection:
    """Request probes; other overrides of them come later and win."""
    return replace(selection, settings=(Override(("probes",), {}), *selection.settings))


def check_figures(components: Components, checked: CheckedBenchmark) -> None:
    """Raise UnknownComponentError or SpecError if a figure of the file cannot be drawn so."""
    faults = Faults()
    for index, figure in enumerate(checked.benchmark.figures):
        faults.run(_check_figure, components, figure, checked, ("figures", str(index)))
    faults.check()


def _check_figure(
    components: Components, figure: ComponentSpec, checked: CheckedBenchmark, path: KeyPath
) -> None:
    names = components.figures.names()
    if figure.name not in names:
        raise UnknownComponentError("figure", figure.name, names, checked.where(path))
    # drawing needs libraries that training does not, so without options none is imported
    if figure.options:
        _check_options(components.figures.get(figure.name, Figure), figure, checked, path)


def _check_options(
    kind: type[Figure], figure: ComponentSpec, checked: CheckedBenchmark, path: KeyPath
) -> None:
    try:
        kind.Options.model_validate(figure.options)
    except ValidationError as error:
        raise spec_error(error, kind.Options, checked.where, path) from error
