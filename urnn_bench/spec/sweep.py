"""From a benchmark and a user's selection to runs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from pydantic import ValidationError

from urnn_bench.errors import SpecError, UnknownComponentError, UnknownNameError, near_miss
from urnn_bench.spec import grid as grids
from urnn_bench.spec import overrides
from urnn_bench.spec.benchmark import Benchmark, ModelSpec
from urnn_bench.spec.explain import Where, spec_error
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.grid import GRID_SEPARATOR, GridPoint
from urnn_bench.spec.load import Document, KeyPath
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.plausible import check_fit
from urnn_bench.spec.run import LINEAR, EvaluationLengths, Probes, Run
from urnn_bench.spec.stages import Stage, joined
from urnn_bench.spec.start import StartFrom
from urnn_bench.spec.types import ComponentSpec

# of the cell of a model, the names of its options; None if they are not known
CellOptions = Callable[[str], Collection[str] | None]
_MODELS, _OF_GRID = ("models",), ("grid",)
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

    ``inherited`` are the keys of the model that the file has at its top. With ``stages``, ``task``
    and ``fit`` are those of the last one.
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
    stages: tuple[Stage, ...] = ()
    start_from: StartFrom | None = None

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
        same_stages = _earlier_fits(self.stages) == _earlier_fits(run.stages)
        same_stages &= (self.start_from is None) == (run.start_from is None)
        return same_network and same_stages and self.fit == run.fit.model_copy(update=ignored)


def _earlier_fits(stages: Sequence[Stage]) -> list[tuple[str, Fit]]:
    return [(stage.name, stage.fit) for stage in stages[:-1]]


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


def drafts(
    checked: CheckedBenchmark, selection: Selection, options_of: CellOptions | None = None
) -> list[UnresolvedRun]:
    """Expand a benchmark into seeds × lengths × models, seeds outermost.

    With seeds outermost, a matrix that is stopped early has still compared every model. An axis
    over an option that a model's cell does not have, says ``options_of``, leaves the model alone.
    Raises SpecError if a ``fit`` is wrong, also that of a length that is not selected.
    """
    benchmark = checked.benchmark
    for T, overlay in benchmark.T.items():
        _fit(checked, {("T", str(T)): overlay}, checked.where)
    settings = overrides.summary(selection.settings)
    seeds, lengths = selection.seeds or benchmark.seeds, selection.lengths or benchmark.T
    labels = selection.models or benchmark.models
    _check_count(checked, len(seeds) * len(lengths) * len(labels))
    gridded = grids_of_models(checked, options_of)
    # checked once: a seed changes nothing else
    of_a_seed = [
        _draft(checked, label, point, T, seeds[0], settings)
        for T in lengths
        for label in labels
        for point in _points(checked, label, gridded[label.partition(GRID_SEPARATOR)[0]])
    ]
    return [replace(draft, seed=seed) for seed in seeds for draft in of_a_seed]


def grids_of_models(
    checked: CheckedBenchmark, options_of: CellOptions | None
) -> Mapping[str, Mapping[str, Sequence[object]]]:
    """Return the axes of every model: all but those over options that its cell does not have.

    Raises SpecError for a key that ``fit`` does not have, and an option that no cell has.
    """
    grid, models = checked.benchmark.grid, checked.benchmark.models
    of_cells = [axis for axis in grid if grids.axis_path(axis)[0] == grids.MODEL]
    cells = {model.cell.name for model in models.values()} if of_cells else set()
    options = {cell: options_of(cell) if options_of else None for cell in cells}
    for axis in grid:
        _check_axis(checked, axis, options)

    def has(cell: str, axis: str) -> bool:
        known = options.get(cell)
        return axis not in of_cells or known is None or grids.axis_path(axis)[1] in known

    return {
        name: {axis: values for axis, values in grid.items() if has(model.cell.name, axis)}
        for name, model in models.items()
    }


def _unknown_axis(key: str) -> str:
    """Return that no axis begins with ``key``, with a near miss or all keys that one may have."""
    of_fit, others = sorted(Fit.model_fields), [*grids.SIZES, *grids.NETWORK]
    known = f"; the keys of fit are {', '.join(of_fit)}; others are {', '.join(others)}"
    advice = near_miss(key, [*others, *of_fit]) or known
    text = f"fit has no key '{shown_name(key)}'{advice}"
    return f"{text}; options of the task are task.KEY, those of the cells model.KEY"


def _check_axis(
    checked: CheckedBenchmark, axis: str, options: Mapping[str, Collection[str] | None]
) -> None:
    """Raise SpecError with a near miss if an axis is of a key that nobody has."""
    owner, *keys = grids.axis_path(axis)
    if owner == grids.FIT and keys[0] not in Fit.model_fields:
        text = _unknown_axis(keys[0])
    elif owner == grids.MODEL and None not in options.values():
        known = sorted({option for names in options.values() for option in names or ()})
        if keys[0] in known:
            return
        advice = near_miss(keys[0], known) or f"; their options are {', '.join(known) or 'none'}"
        text = f"no cell of the models has the option '{shown_name(keys[0])}'{advice}"
    else:
        return
    raise SpecError(checked.where((*_OF_GRID, axis)) + text)


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


def _points(
    checked: CheckedBenchmark, label: str, grid: Mapping[str, Sequence[object]]
) -> Sequence[GridPoint]:
    """Return the points of a model's grid: all, or the one that its label names.

    Raises UnknownNameError, or SpecError if two points have the same label.
    """
    points = grids.points(grid)
    model, separator, _ = label.partition(GRID_SEPARATOR)
    by_label = {grids.label_of(model, point): point for point in points}
    if len(by_label) < len(points):
        text = "two values are written alike, so that their runs have the same name"
        raise SpecError(checked.where(("grid",)) + text)
    if separator and label not in by_label:
        raise UnknownNameError("model", label, by_label)
    return [by_label[label]] if separator else points


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
    point: GridPoint,
    T: int,
    seed: int,
    settings: tuple[str, ...],
) -> UnresolvedRun:
    benchmark = checked.benchmark
    name = label.partition(GRID_SEPARATOR)[0]
    label = grids.label_of(name, point)
    _check_label(checked, name, label)
    where = _where(checked, name, point)
    model, task = benchmark.models[name], _with(benchmark.task, point, grids.TASK)
    if "T" in task.options:
        raise SpecError(where(("task", "T")) + "lengths belong under the top-level key 'T'")
    overlays = {("T", str(T)): benchmark.T.get(T, {}), (*_MODELS, name, "fit"): model.fit}
    if of_fit := grids.below(point, grids.FIT):
        overlays[_OF_GRID] = of_fit
    sized = _sized(model, benchmark, point, where)
    cell = _with(model.cell, point, grids.MODEL)
    task = task.model_copy(update={"options": {**task.options, "T": T}})
    fit, stages = _fit(checked, overlays, where), _stages(checked, task, overlays, where)
    return UnresolvedRun(
        label=label,
        model=_with_network(
            _inheriting(sized, benchmark).model_copy(update={"cell": cell}), point, where, name
        ),
        task=stages[-1].task if stages else task,
        fit=stages[-1].fit if stages else fit,
        stages=stages,
        start_from=benchmark.start_from,
        seed=seed,
        settings=settings,
        where=where,
        probes=benchmark.probes,
        inherited=frozenset(
            key
            for key in _INHERITED
            if getattr(model, key) is None and key not in map(grids.owner_of, point)
        ),
        evaluate=benchmark.evaluate,
    )


def _where(checked: CheckedBenchmark, model: str, point: GridPoint) -> Where:
    """Return a function that names the place of a key: its axis, if the grid sets it."""
    axes = {axis: grids.benchmark_path(axis, model) for axis in point}

    def where(path: KeyPath) -> str:
        setting = (axis for axis, keys in axes.items() if grids.is_below(path, keys))
        axis = next(setting, None)
        return checked.where(path if axis is None else ("grid", axis, *path[len(axes[axis]) :]))

    return where


def _with_network(model: ModelSpec, point: GridPoint, where: Where, name: str) -> ModelSpec:
    """Return a model with the layers, block, readout and pool that a point of the grid sets."""
    readout = model.readout or LINEAR
    written = {
        "block": model.block.model_dump() if model.block else None,
        "readout": {"name": readout.name, **readout.options},
    }
    changed = grids.network_in(point, written)
    try:
        found = ModelSpec.model_validate({"cell": model.cell, **changed})
    except ValidationError as error:
        raise spec_error(error, ModelSpec, lambda p: where((*_MODELS, name, *p))) from error
    return model.model_copy(update={key: getattr(found, key) for key in changed})


def _with(component: ComponentSpec, point: GridPoint, owner: str) -> ComponentSpec:
    """Return a component with the options that a point of the grid sets."""
    options = overrides.merged(component.options, grids.below(point, owner))
    return component.model_copy(update={"options": options})


def _fit(
    checked: CheckedBenchmark, overlays: Mapping[KeyPath, Mapping[str, object]], whose: Where
) -> Fit:
    """Overlay the length's, the model's and the grid's keys on the common ``fit``, in that order.

    Raises SpecError that names the overlay with the fault.
    """
    values = checked.benchmark.fit
    for overlay in overlays.values():
        values = overrides.merged(values, overlay)

    def where(path: KeyPath) -> str:
        owners = [prefix for prefix, overlay in overlays.items() if path and path[0] in overlay]
        owner = owners[-1] if owners else _OF_GRID
        return whose(("fit", *path)) if owner == _OF_GRID else checked.where((*owner, *path))

    try:
        fit = Fit.model_validate(values)
    except ValidationError as error:
        raise spec_error(error, Fit, where) from error
    check_fit(fit, where)
    return fit


def _stages(
    checked: CheckedBenchmark,
    task: ComponentSpec,
    overlays: Mapping[KeyPath, Mapping[str, object]],
    whose: Where,
) -> tuple[Stage, ...]:
    """Return the stages of a run; a key of a stage holds over those of all overlays.

    Raises SpecError if the last one has another length, or the stages do not fit together.
    """
    stages = []
    for name, spec in checked.benchmark.stages.items():
        fit = _fit(checked, {**overlays, ("stages", name, "fit"): spec.fit}, whose)
        stages.append(Stage(name=name, task=spec.task_after(task), fit=fit))
    return joined(stages, checked.benchmark.stages, checked.where)


def _inheriting(model: ModelSpec, benchmark: Benchmark) -> ModelSpec:
    """Return a model with what the benchmark says for all, where it says nothing itself."""
    missing = [key for key in _INHERITED if getattr(model, key) is None]
    return model.model_copy(update={key: getattr(benchmark, key) for key in missing})


def _sized(model: ModelSpec, benchmark: Benchmark, point: GridPoint, where: Where) -> ModelSpec:
    """Return a model with its size: the grid's, its own, or that of the benchmark."""
    if size := grids.size_in(point):
        sizes: dict[str, object] = {**dict.fromkeys(grids.SIZES), **size}
        try:
            ModelSpec.model_validate({"cell": model.cell, **sizes})
        except ValidationError as error:
            raise spec_error(error, ModelSpec, where) from error
        return model.model_copy(update=sizes)
    if model.hidden is not None or model.parameters is not None:
        return model
    size = {"hidden": benchmark.hidden, "parameters": benchmark.parameters}
    return model.model_copy(update=size)
