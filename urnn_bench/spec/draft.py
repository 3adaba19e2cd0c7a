"""One run of a benchmark: the overlays of a length, a model and a grid on what is common."""

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from urnn_bench.errors import SpecError
from urnn_bench.spec import grid as grids
from urnn_bench.spec import overrides
from urnn_bench.spec.benchmark import Benchmark, ModelSpec
from urnn_bench.spec.explain import Where, spec_error
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.grid import GRID_SEPARATOR, GridPoint
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.places import StagesOfRun, stages_of, where_of
from urnn_bench.spec.plausible import check_fit
from urnn_bench.spec.run import LINEAR
from urnn_bench.spec.stages import Stage, joined
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.spec.unresolved import CheckedBenchmark, UnresolvedRun

_MODELS = ("models",)
_OF_GRID = ("grid",)
_INHERITED = ("layers", "block", "bidirectional", "readout", "pool", "stages")
_LONGEST_LABEL = 180
# in the place of a wrong fit; in float64 no number of a component is too large or too small
_FAULTLESS = Fit(dtype="float64")


def _check_label(checked: CheckedBenchmark, name: str, label: str) -> None:
    """Refuse a label that is too long for the name of a folder, which has 255 bytes."""
    if len(label.encode("utf-8", "replace")) > _LONGEST_LABEL:
        where = checked.where((*_MODELS, name))
        text = f"the name of a model, with its values in a grid, has at most {_LONGEST_LABEL} bytes"
        raise SpecError(where + text)


def draft_of(
    checked: CheckedBenchmark,
    label: str,
    point: GridPoint,
    T: int,
    seed: int,
    settings: tuple[str, ...],
    faults: Faults,
    label_of: Callable[[str, GridPoint], str] = grids.label_of,
) -> UnresolvedRun:
    """Return a run of a model at a point of its grid, and add what is wrong to ``faults``."""
    benchmark = checked.benchmark
    name = label.partition(GRID_SEPARATOR)[0]
    label = label_of(name, point)
    faults.run(_check_label, checked, name, label)
    where = where_of(checked, name, point)
    model = benchmark.models[name]
    task = faults.or_else(benchmark.task, _task, checked, name, point, where)
    overlays = {("T", str(T)): benchmark.T.get(T, {}), (*_MODELS, name, "fit"): model.fit}
    if of_fit := grids.below(point, grids.FIT):
        overlays[_OF_GRID] = of_fit
    sized = faults.or_else(model, _sized, model, benchmark, point, where)
    cell = _with(model.cell, point, grids.MODEL)
    own = _inheriting(sized, benchmark).model_copy(update={"cell": cell})
    task = task.model_copy(update={"options": {**task.options, "T": T}})
    fit = faults.or_else(_FAULTLESS, fit_of, checked, overlays, where)
    stages = _stages(checked, stages_of(checked, name), task, overlays, where, faults)
    return UnresolvedRun(
        label=label,
        model=faults.or_else(own, _with_network, own, point, where, name),
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


def _task(checked: CheckedBenchmark, name: str, point: GridPoint, where: Where) -> ComponentSpec:
    """Return the task of a model: the benchmark's, with the model's changes, then the grid's.

    Raises SpecError for a length among the options, and a model with another task.
    """
    task, changes = checked.benchmark.task, checked.benchmark.models[name].task
    if changes.get("name", task.name) != task.name:
        text = f"a model changes options of the benchmark's task, '{shown_name(task.name)}', alone"
        raise SpecError(checked.where((*_MODELS, name, grids.TASK, "name")) + text)
    own = {key: value for key, value in changes.items() if key != "name"}
    task = task.model_copy(update={"options": overrides.merged(task.options, own)})
    task = _with(task, point, grids.TASK)
    if "T" in task.options:
        raise SpecError(where(("task", "T")) + "lengths belong under the top-level key 'T'")
    return task


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


def fit_of(
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
    of_run: StagesOfRun,
    task: ComponentSpec,
    overlays: Mapping[KeyPath, Mapping[str, object]],
    whose: Where,
    faults: Faults,
) -> tuple[Stage, ...]:
    """Return the stages of a run; a key of a stage holds over those of all overlays.

    A fault is that the last one has another length, or that the stages do not fit together.
    """
    stages = []
    for name, spec in of_run.specs.items():
        of_stage = {**overlays, (*of_run.path, name, "fit"): spec.fit}
        fit = faults.or_else(_FAULTLESS, fit_of, checked, of_stage, whose)
        stages.append(Stage(name=name, task=spec.task_after(task), fit=fit))
    # one that is wrong fits together with no other
    if any(stage.fit is _FAULTLESS for stage in stages):
        return tuple(stages)

    def where(path: KeyPath) -> str:
        return checked.where((*of_run.path, *path))

    return faults.or_else(tuple(stages), joined, stages, of_run.specs, where)


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
