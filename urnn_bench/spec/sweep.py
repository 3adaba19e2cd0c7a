"""A benchmark and a user's selection to the runs they ask for."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import ValidationError

from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.spec import overrides
from urnn_bench.spec.benchmark import GRID_SEPARATOR, Benchmark, ModelSpec
from urnn_bench.spec.explain import Where, spec_error
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.load import Document, KeyPath
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.run import Probes, Run
from urnn_bench.spec.types import ComponentSpec


@dataclass(frozen=True)
class Selection:
    """What the command line picks from a benchmark; an empty tuple picks what the file says."""

    lengths: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    settings: tuple[Override, ...] = ()


@dataclass(frozen=True)
class CheckedBenchmark:
    """A checked benchmark, its name, and how to say where one of its keys stands."""

    name: str
    benchmark: Benchmark
    where: Where


@dataclass(frozen=True)
class UnresolvedRun:
    """A run before its components have checked their options and its width is known."""

    label: str
    model: ModelSpec
    task: ComponentSpec
    fit: Fit
    seed: int
    settings: tuple[str, ...]
    where: Where
    probes: Probes | None = None

    @property
    def model_name(self) -> str:
        """What the model is called in the file: the label without a place in a grid."""
        return self.label.partition(GRID_SEPARATOR)[0]

    @property
    def T(self) -> int:
        """The sequence length as the task counts it."""
        return int(self.task.options["T"])

    def describes(self, run: Run) -> bool:
        """Return whether a run is of this model and task, trained like this.

        Its seed, its probes, for how many updates it was trained, how often its loss was written
        and how many sequences were scored at once do not matter. Options that the file leaves to
        the components, and the width that a budget of parameters allows, are not known here.
        """
        pairs = ((self.task, run.task), (self.model.cell, run.cell))
        named = all(
            asked.name == has.name and asked.options.items() <= has.options.items()
            for asked, has in pairs
        )
        wide = self.model.hidden in (None, run.hidden)
        free = {key: getattr(self.fit, key) for key in ("steps", "log_every", "evaluate_batch")}
        return named and wide and self.fit == run.fit.model_copy(update=free)


def check_benchmark(
    name: str, document: Document, selection: Selection, cells: Sequence[str]
) -> CheckedBenchmark:
    """Check a benchmark with the selection written into it.

    ``cells`` are the models that may be asked for though the file does not list them.
    Raises SpecError with file, line, path and near miss.
    """
    edited = overrides.apply(document, _settings(document, selection, cells))

    def where(path: KeyPath) -> str:
        return overrides.where(edited, selection.settings, path)

    try:
        benchmark = Benchmark.model_validate(edited.mapping)
    except ValidationError as error:
        raise spec_error(error, Benchmark, where) from error
    return CheckedBenchmark(name, benchmark, where)


def drafts(check_benchmark: CheckedBenchmark, selection: Selection) -> list[UnresolvedRun]:
    """Expand a benchmark into seeds × lengths × models, seeds outermost.

    With seeds outermost, a matrix that is stopped early has still compared every model.
    Raises SpecError if a ``fit`` is wrong.
    """
    benchmark = check_benchmark.benchmark
    labels = selection.models or tuple(benchmark.models)
    seeds = selection.seeds or benchmark.seeds
    lengths = {T: benchmark.T.get(T, {}) for T in selection.lengths or benchmark.T}
    for T, overlay in benchmark.T.items():
        _fit(
            check_benchmark, {("T", str(T)): overlay}
        )  # a fault is said whether or not the length is asked for
    settings = overrides.summary(selection.settings)
    return [
        _draft(check_benchmark, label, point, T, overlay, seed, settings)
        for seed in seeds
        for T, overlay in lengths.items()
        for label in labels
        for point in _points(benchmark.grid, label)
    ]


def _points(grid: Mapping[str, Sequence[Any]], label: str) -> Sequence[Mapping[str, Any]]:
    """Return the combinations of a grid's values that a label asks for: all, or the one it names.

    Without a grid that is the empty one. Raises UnknownNameError.
    """
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    model, at, _ = label.partition(GRID_SEPARATOR)
    named = {_called(model, point): point for point in points}
    if at and label not in named:
        raise UnknownNameError("model", label, named)
    return [named[label]] if at else points


def _called(label: str, point: Mapping[str, Any]) -> str:
    """Return a model's label with where it stands in the grid, as in ``urnn @ lr=0.001``."""
    places = ", ".join(f"{path.rpartition('.')[2]}={value}" for path, value in point.items())
    return f"{label}{GRID_SEPARATOR}{places}" if places else label


def _settings(
    document: Document, selection: Selection, cells: Sequence[str]
) -> tuple[Override, ...]:
    """Return the settings, with an entry for each model asked for by the name of its cell."""
    models = document.mapping.get("models")
    known: Mapping[Any, Any] = models if isinstance(models, Mapping) else {}
    asked = dict.fromkeys(name.partition(GRID_SEPARATOR)[0] for name in selection.models)
    added = {s.path[1] for s in selection.settings if s.path[0] == "models" and len(s.path) > 1}
    for name in asked:
        if name not in known and name not in cells and name not in added:
            raise UnknownNameError("model", name, {*map(str, known), *cells})
    new = [Override(("models", name), {}) for name in asked if name not in known]
    return (*new, *selection.settings)


def _draft(
    check_benchmark: CheckedBenchmark,
    label: str,
    point: Mapping[str, Any],
    T: int,
    overlay: Mapping[str, Any],
    seed: int,
    settings: tuple[str, ...],
) -> UnresolvedRun:
    benchmark = check_benchmark.benchmark
    label = label.partition(GRID_SEPARATOR)[0]
    model, task = benchmark.models[label], benchmark.task
    if "T" in task.options:
        raise SpecError(
            check_benchmark.where(("task", "T")) + "lengths stand under the top-level key 'T'"
        )
    task = task.model_copy(update={"options": {**task.options, "T": T}})
    overlays = {("T", str(T)): overlay, ("models", label, "fit"): model.fit}
    fit = _fit(check_benchmark, {**overlays, ("grid",): _nested(point)} if point else overlays)
    sized = _sized(model, benchmark)
    return UnresolvedRun(
        _called(label, point),
        sized,
        task,
        fit,
        seed,
        settings,
        check_benchmark.where,
        benchmark.probes,
    )


def _nested(point: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values by dotted paths as nested mappings."""
    found: dict[str, Any] = {}
    for path, value in point.items():
        *parents, last = path.split(".")
        inner = found
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = deepcopy(value)
    return found


def _fit(check_benchmark: CheckedBenchmark, overlays: Mapping[KeyPath, Mapping[str, Any]]) -> Fit:
    """Overlay the length's and the model's keys on the common ``fit``, in that order."""
    values: dict[str, Any] = check_benchmark.benchmark.fit
    for overlay in overlays.values():
        values = overrides.merged(values, overlay)

    def where(path: KeyPath) -> str:
        owners = [prefix for prefix, overlay in overlays.items() if path and path[0] in overlay]
        return check_benchmark.where((*(owners[-1] if owners else ("fit",)), *path))

    try:
        return Fit.model_validate(values)
    except ValidationError as error:
        raise spec_error(error, Fit, where) from error


def _sized(model: ModelSpec, benchmark: Benchmark) -> ModelSpec:
    if model.hidden is not None or model.parameters is not None:
        return model
    size = {"hidden": benchmark.hidden, "parameters": benchmark.parameters}
    return model.model_copy(update=size)
