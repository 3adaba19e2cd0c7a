"""What a search trains: the runs of a model at a point of its space, checked beforehand."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from urnn_bench.errors import SpecError, UnknownNameError, UsageError
from urnn_bench.records.folder import default_results
from urnn_bench.registry import Components
from urnn_bench.run.resolve import cell_options, resolve_with_faults
from urnn_bench.run.start import with_starts
from urnn_bench.spec import catalogue, overrides
from urnn_bench.spec import grid as grids
from urnn_bench.spec.axes import check_axis
from urnn_bench.spec.draft import draft_of
from urnn_bench.spec.explain import Where
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.grid import GRID_SEPARATOR, GridPoint
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.run import Run
from urnn_bench.spec.search import Search, outermost_points
from urnn_bench.spec.sweep import CheckedBenchmark, Selection, UnresolvedRun, check_benchmark

SPACE = ("search", "space")
_GRID = ("grid",)
# what the legend of a figure has room for
_LONGEST_LABEL, _DIGITS = 60, 8


@dataclass(frozen=True)
class Plan:
    """A search of one model at one length; ``checked`` names the space as the place of a value."""

    components: Components
    checked: CheckedBenchmark
    search: Search
    model: str
    T: int
    settings: tuple[str, ...]
    results: Path

    def runs(self, values: Mapping[str, object]) -> list[Run]:
        """Return a run of every seed; raise SpecError or ComponentError if there can be none."""
        faults = Faults()
        drafts = [self._draft(values, seed, faults) for seed in self.search.seeds]
        runs = resolve_with_faults(self.components, self.checked.name, drafts, faults)
        faults.check()
        return with_starts(self.components, runs, drafts, self.results)

    def _draft(self, values: Mapping[str, object], seed: int, faults: Faults) -> UnresolvedRun:
        of_run = (self.checked, self.model, values, self.T, seed, self.settings, faults)
        return draft_of(*of_run, label_of=label_of)


def label_of(model: str, point: GridPoint) -> str:
    """Return the label of a trial: as of a point of a grid, or with a hash of a long one."""
    label = grids.label_of(model, point)
    if len(label) <= _LONGEST_LABEL:
        return label
    digest = hashlib.sha256(label.encode()).hexdigest()
    return f"{model}{GRID_SEPARATOR}{digest[:_DIGITS]}"


def plan_of(
    components: Components, given: str, selection: Selection, results: Path | None = None
) -> Plan:
    """Return the search of a benchmark, every value of whose axes makes a run that can be built.

    Raises SpecError with the place of what is wrong, and UsageError.
    """
    name, document = catalogue.find(given)
    checked = check_benchmark(name, document, selection, components.cells.names())
    search = checked.benchmark.search
    if search is None:
        text = "has no section 'search'; add one, as docs/search.md describes"
        raise SpecError(f"{document.source}: {text}")
    plan = Plan(
        components,
        CheckedBenchmark(checked.name, checked.benchmark, _where(checked)),
        search,
        _model(checked, search),
        _length(checked, selection),
        overrides.summary(selection.settings),
        results or default_results(),
    )
    _check(plan)
    return plan


def _where(checked: CheckedBenchmark) -> Where:
    """Return a function that names the place of a key, that of an axis in the space."""

    def where(path: KeyPath) -> str:
        return checked.where((*SPACE, *path[1:]) if path[:1] == _GRID else path)

    return where


def _model(checked: CheckedBenchmark, search: Search) -> str:
    models, where = checked.benchmark.models, checked.where(("search", "model"))
    if search.model is None and len(models) > 1:
        raise SpecError(f"{where}give the model whose keys are varied: {', '.join(models)}")
    model = next(iter(models)) if search.model is None else search.model
    if model not in models:
        raise UnknownNameError("model of the benchmark", model, models, where)
    return model


def _length(checked: CheckedBenchmark, selection: Selection) -> int:
    lengths = selection.lengths or tuple(checked.benchmark.T)
    if len(lengths) > 1:
        text = ", ".join(map(str, lengths))
        raise UsageError(f"a search has one length of {text}; choose it with --T {lengths[0]}")
    return lengths[0]


def _check(plan: Plan) -> None:
    """Raise SpecError if a value of an axis cannot be, or a rung has no score of validation."""
    cell = plan.checked.benchmark.models[plan.model].cell.name
    options = {cell: cell_options(plan.components)(cell)}
    faults = Faults()
    for axis in plan.search.space:
        faults.run(check_axis, plan.checked, axis, options)
    faults.check()
    for _, values in outermost_points(plan.search.space):
        for run, *_ in faults.run(plan.runs, values):
            if plan.search.halving is not None:
                faults.run(_check_rungs, plan, run)
    faults.check()


def _check_rungs(plan: Plan, run: Run) -> None:
    halving, where = plan.search.halving, plan.checked.where(("search", "halving"))
    every = run.fit.evaluate_every
    if run.stages:
        text = "has no part in a search of runs with stages, whose losses are of several tasks"
        raise SpecError(f"{where}{text}; leave it out")
    if halving is not None and halving.first % every:
        text = f"'first' must be a multiple of the {every} updates of 'fit.evaluate_every'"
        raise SpecError(f"{where}{text}, not {halving.first}")
    if halving is not None and halving.first >= run.updates:
        text = f"'first' must be below the {run.updates} updates of 'fit.steps'"
        raise SpecError(f"{where}{text}, not {halving.first}")
