"""The components of an unresolved run, found by name, with every option checked and filled in.

Each is checked by itself, so that one fault does not hide another.
"""

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from urnn_bench.cells.base import Cell
from urnn_bench.errors import SpecError, UnknownComponentError, near_miss
from urnn_bench.probes.base import Probe
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components, Registry
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.plausible import check_numbers, check_probes, check_solved
from urnn_bench.spec.run import Probes
from urnn_bench.spec.stages import Stage
from urnn_bench.spec.sweep import UnresolvedRun
from urnn_bench.spec.types import ComponentSpec, Config
from urnn_bench.tasks.base import Task

_TASK = ("task",)


def with_options(components: Components, draft: UnresolvedRun, faults: Faults) -> UnresolvedRun:
    """Return a draft with all options of its components, and add what is wrong to ``faults``."""
    stages = tuple(_stage(components, stage, draft, faults) for stage in draft.stages)
    task = stages[-1].task if stages else _task(components, draft, faults)
    draft = replace(draft, stages=stages, task=task)
    faults.run(_check_solved, components, draft)
    of_cell, of_readout = ("models", draft.model_name, "cell"), draft.path("readout")
    cell = _numbered(components.cells, Cell, draft.model.cell, draft, of_cell, faults)
    readout = _numbered(components.readouts, Readout, draft.readout, draft, of_readout, faults)
    model = draft.model.model_copy(update={"cell": cell, "readout": readout})
    return replace(draft, model=model, probes=_probes(components, draft, faults))


def _task(components: Components, draft: UnresolvedRun, faults: Faults) -> ComponentSpec:
    return faults.or_else(draft.task, checked, components.tasks, Task, draft.task, draft, _TASK)


def _numbered(
    registry: Registry,
    base: type[Any],
    named: ComponentSpec,
    draft: UnresolvedRun,
    path: KeyPath,
    faults: Faults,
) -> ComponentSpec:
    """Return a component with every option, each of them a number in the run's arithmetic."""

    def where(inner: KeyPath) -> str:
        return draft.where((*path, *inner))

    filled = faults.or_else(named, checked, registry, base, named, draft, path)
    faults.run(check_numbers, filled.options, draft.fit.dtype, where)
    return filled


def checked(
    registry: Registry, base: type[Any], named: ComponentSpec, draft: UnresolvedRun, path: KeyPath
) -> ComponentSpec:
    """Return a component with every option filled in, and the hash of the user's file if any.

    Raises SpecError, or UnknownComponentError, with the place in the benchmark file.
    """
    if named.name not in registry.names():
        raise UnknownComponentError(registry.kind, named.name, registry.names(), draft.where(path))
    options: type[Config] = registry.get(named.name, base).Options

    def where(inner: KeyPath) -> str:
        # the length of a task stands at the top level, and another one where it was given
        given = ("T",) if path == _TASK else path
        return draft.where(given if inner == (*path, "T") else inner)

    try:
        filled = options.model_validate(named.options).model_dump(mode="json")
    except ValidationError as error:
        raise spec_error(error, options, where, path) from error
    return ComponentSpec(name=named.name, options=filled, source=registry.source(named.name))


def _stage(components: Components, stage: Stage, draft: UnresolvedRun, faults: Faults) -> Stage:
    """Return a stage with every option of its task filled in."""
    path = (*draft.path("stages"), stage.name, "task")
    task = faults.or_else(stage.task, checked, components.tasks, Task, stage.task, draft, path)
    return stage.model_copy(update={"task": task})


def _probes(components: Components, draft: UnresolvedRun, faults: Faults) -> Probes | None:
    """Return a draft's probes with every option filled in."""
    if draft.probes is None:
        return None
    faults.run(check_probes, draft.probes, lambda path: draft.where(("probes", *path)))
    paths = ((named, ("probes", "read", str(i))) for i, named in enumerate(draft.probes.read))
    read = tuple(
        faults.or_else(named, checked, components.probes, Probe, named, draft, path)
        for named, path in paths
    )
    return draft.probes.model_copy(update={"read": read})


def _check_solved(components: Components, draft: UnresolvedRun) -> None:
    """Raise SpecError if the task has no such metric, or no score is on that side of the bound."""
    solved, name = draft.fit.solved, draft.task.name
    if not solved or name not in components.tasks.names():
        return

    def where(path: KeyPath) -> str:
        return draft.where(("fit", "solved", *path))

    kind = components.tasks.get(name, Task)
    if solved.metric not in kind.metrics:
        hint = near_miss(solved.metric, kind.metrics) or f"; there are: {', '.join(kind.metrics)}"
        text = f"the task '{name}' has no metric '{shown_name(solved.metric)}'{hint}"
        raise SpecError(where(("metric",)) + text)
    check_solved(solved, kind.metric_ends, where)
