"""From a benchmark and a user's selection to runs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from pydantic import ValidationError

from urnn_bench.errors import SpecError, UnknownComponentError, UnknownNameError
from urnn_bench.spec import overrides
from urnn_bench.spec.benchmark import GRID_SEPARATOR, Benchmark, ModelSpec
from urnn_bench.spec.explain import Where, spec_error
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.load import Document, KeyPath
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.plausible import check_fit
from urnn_bench.spec.run import LINEAR, EvaluationLengths, Probes, Run
from urnn_bench.spec.types import ComponentSpec

GridValues = Mapping[str, object]
_MODELS = ("models",)
_INHERITED = ("layers", "block", "bidirectional", "readout", "pool")
_DEFAULT_POOLS = ("last", "every")
_MOST_RUNS, _LONGEST_LABEL = 100_000, 180


@dataclass(frozen=True)
class Selection:
    """The user's selection from a benchmark; an empty tuple means all that the file lists."""

    lengths: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    settings: tuple[Override, ...] = ()


@dataclass(frozen=True)
class CheckedBenchmark:
    """A checked benchmark, its name, and a function that names the place of a key."""

    name: str
    benchmark: Benchmark
    where: Where


@dataclass(frozen=True)
class UnresolvedRun:
    """A run before its components have checked their options and its width is known.

    ``inherited`` are the keys of the model that the file has at its top.
    """

    label: str
    model: ModelSpec
    task: ComponentSpec
    fit: Fit
    seed: int
    settings: tuple[str, ...]
    where: Where
    probes: Probes | None = None
    inherited: frozenset[str] = frozenset()
    evaluate: EvaluationLengths | None = None

    @property
    def model_name(self) -> str:
        """The model's name in the file: the label without the values in a grid."""
        return self.label.partition(GRID_SEPARATOR)[0]

    @property
    def readout(self) -> ComponentSpec:
        """The readout, the linear one if the file names none."""
        return self.model.readout or LINEAR

    @property
    def T(self) -> int:
        """The sequence length as the task counts it."""
        return self.task.T

    def path(self, key: str) -> KeyPath:
        """Return where the file has a key that models may inherit."""
        return (key,) if key in self.inherited else (*_MODELS, self.model_name, key)

    def describes(self, run: Run) -> bool:
        """Return whether a run is of this model and task, trained like this.

        Its seed, probes, number of updates, logging and evaluation batch do not matter. Options
        that the file leaves to the components, and the width that a budget of parameters allows,
        are not known here.
        """
        same_components = all(
            component.name == recorded.name
            and component.options.items() <= recorded.options.items()
            for component, recorded in (
                (self.task, run.task),
                (self.model.cell, run.cell),
                (self.readout, run.readout),
            )
        )
        same_width = self.model.hidden in (None, run.hidden)
        # a run has no pool if it has the default one, which a file may name
        same_pool = self.model.pool in (
            (None, *_DEFAULT_POOLS) if run.pool is None else (run.pool,)
        )
        ignored = {key: getattr(self.fit, key) for key in ("steps", "log_every", "evaluate_batch")}
        own = self.model.layers or 1, self.model.block, self.model.bidirectional or False
        same_layers = own == (run.layers, run.block, run.bidirectional)
        same_network = same_components and same_width and same_layers and same_pool
        return same_network and self.fit == run.fit.model_copy(update=ignored)


def check_benchmark(
    name: str, document: Document, selection: Selection, cells: Sequence[str]
) -> CheckedBenchmark:
    """Check a benchmark with the selection written into it.

    ``cells`` are models that may be selected even if the file does not list them.
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


def drafts(checked: CheckedBenchmark, selection: Selection) -> list[UnresolvedRun]:
    """Expand a benchmark into seeds × lengths × models, seeds outermost.

    With seeds outermost, a matrix that is stopped early has still compared every model.
    Raises SpecError if a ``fit`` is wrong, also that of a length that is not selected.
    """
    benchmark = checked.benchmark
    for T, overlay in benchmark.T.items():
        _fit(checked, {("T", str(T)): overlay})
    settings = overrides.summary(selection.settings)
    seeds, lengths = selection.seeds or benchmark.seeds, selection.lengths or benchmark.T
    labels = selection.models or benchmark.models
    _check_count(checked, len(seeds) * len(lengths) * len(labels))
    # checked once: a seed changes nothing else
    of_a_seed = [
        _draft(checked, label, values, T, seeds[0], settings)
        for T in lengths
        for label in labels
        for values in _grid_values(benchmark.grid, label)
    ]
    return [replace(draft, seed=seed) for seed in seeds for draft in of_a_seed]


def _check_count(checked: CheckedBenchmark, without_grid: int) -> None:
    """Refuse more runs than a file system, and a plan that is held in memory, can take."""
    grid = checked.benchmark.grid
    count = without_grid * prod(map(len, grid.values()))
    if count > _MOST_RUNS:
        where = checked.where(("grid",) if grid else ())
        raise SpecError(f"{where}these are {count:,} runs; at most {_MOST_RUNS:,} can be planned")


def _check_label(checked: CheckedBenchmark, name: str, label: str) -> None:
    """Refuse a label that is too long for the name of a folder, which has 255 bytes."""
    if len(label.encode("utf-8", "replace")) > _LONGEST_LABEL:
        where = checked.where((*_MODELS, name))
        text = f"the name of a model, with its values in a grid, has at most {_LONGEST_LABEL} bytes"
        raise SpecError(where + text)


def _grid_values(grid: Mapping[str, Sequence[object]], label: str) -> Sequence[GridValues]:
    """Return the combinations of a grid's values for a label: all, or the one that it names.

    Without a grid there is one empty combination. Raises UnknownNameError.
    """
    combinations = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    model, separator, _ = label.partition(GRID_SEPARATOR)
    by_label = {_label(model, values): values for values in combinations}
    if separator and label not in by_label:
        raise UnknownNameError("model", label, by_label)
    return [by_label[label]] if separator else combinations


def _label(model: str, values: GridValues) -> str:
    """Return a model's label with its values in the grid, as in ``urnn @ lr=0.001``."""
    # as it always was, since a label is part of a run's identity
    text = ", ".join(f"{path.rpartition('.')[2]}={value}" for path, value in values.items())
    return f"{model}{GRID_SEPARATOR}{text}" if text else model


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


def _draft(
    checked: CheckedBenchmark,
    label: str,
    values: GridValues,
    T: int,
    seed: int,
    settings: tuple[str, ...],
) -> UnresolvedRun:
    benchmark = checked.benchmark
    name = label.partition(GRID_SEPARATOR)[0]
    _check_label(checked, name, _label(name, values))
    model, task = benchmark.models[name], benchmark.task
    if "T" in task.options:
        raise SpecError(checked.where(("task", "T")) + "lengths belong under the top-level key 'T'")
    overlays = {("T", str(T)): benchmark.T.get(T, {}), (*_MODELS, name, "fit"): model.fit}
    if values:
        overlays[("grid",)] = _nested(values)
    return UnresolvedRun(
        label=_label(name, values),
        model=_inheriting(_sized(model, benchmark), benchmark),
        task=task.model_copy(update={"options": {**task.options, "T": T}}),
        fit=_fit(checked, overlays),
        seed=seed,
        settings=settings,
        where=checked.where,
        probes=benchmark.probes,
        inherited=frozenset(key for key in _INHERITED if getattr(model, key) is None),
        evaluate=benchmark.evaluate,
    )


def _nested(values: GridValues) -> dict[str, object]:
    """Return values by dotted paths as nested mappings."""
    nested: dict[str, object] = {}
    for path, value in values.items():
        *parents, last = path.split(".")
        mapping = nested
        for key in parents:
            child = mapping.setdefault(key, {})
            # no axis sets a part of another, so this is always a mapping
            mapping = child if isinstance(child, dict) else {}
        mapping[last] = deepcopy(value)
    return nested


def _fit(checked: CheckedBenchmark, overlays: Mapping[KeyPath, Mapping[str, object]]) -> Fit:
    """Overlay the length's, the model's and the grid's keys on the common ``fit``, in that order.

    Raises SpecError that names the overlay with the fault.
    """
    values = checked.benchmark.fit
    for overlay in overlays.values():
        values = overrides.merged(values, overlay)

    def where(path: KeyPath) -> str:
        owners = [prefix for prefix, overlay in overlays.items() if path and path[0] in overlay]
        return checked.where((*(owners[-1] if owners else ("fit",)), *path))

    try:
        fit = Fit.model_validate(values)
    except ValidationError as error:
        raise spec_error(error, Fit, where) from error
    check_fit(fit, where)
    return fit


def _inheriting(model: ModelSpec, benchmark: Benchmark) -> ModelSpec:
    """Return a model with what the benchmark says for all, where it says nothing itself."""
    missing = [key for key in _INHERITED if getattr(model, key) is None]
    return model.model_copy(update={key: getattr(benchmark, key) for key in missing})


def _sized(model: ModelSpec, benchmark: Benchmark) -> ModelSpec:
    if model.hidden is not None or model.parameters is not None:
        return model
    size = {"hidden": benchmark.hidden, "parameters": benchmark.parameters}
    return model.model_copy(update=size)
