"""All settings of a run as flat paths, as a benchmark's file and a grid's axes call them.

A component's name stands at its own path and its options below it: ``fit.optimizer`` is ``adam``
and ``fit.optimizer.lr`` is its rate. An option of the cell is ``model.KEY``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.run import Run
from urnn_bench.spec.stages import Stage
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.spec.unresolved import DEFAULT_POOLS, UnresolvedRun

Settings = Mapping[KeyPath, object]

# the name of the cell, whose options are those of the model
CELL: KeyPath = ("cell",)
OPTIONS_OF_CELL = "model"
SOURCE = "source"
TASK: KeyPath = ("task",)
_LENGTH = (*TASK, "T")
# how many are scored at once, which changes no result
_NOT_TRAINING = ("fit", "evaluate_batch")
_LEFT_OPEN = (None, *DEFAULT_POOLS)


def settings_of_run(run: Run) -> Settings:
    """Return every setting of a run but its seed, its length and what is measured."""
    return _settings(run, run.task, run.cell, run.readout, run.stages)


def settings_of_draft(draft: UnresolvedRun) -> Settings:
    """Return the settings that a file gives a run; what it leaves to the components is missing."""
    model = draft.model
    given = _settings(draft, draft.task, model.cell, draft.readout, draft.stages, model)
    # a budget of parameters decides the width, and the task the step that is read out
    unknown = [path for path in (("hidden",), ("pool",)) if given[path] in _LEFT_OPEN]
    defaults: Settings = {("layers",): 1, ("bidirectional",): False}
    filled: dict[KeyPath, object] = {path: given[path] or v for path, v in defaults.items()}
    return {path: v for path, v in {**given, **filled}.items() if path not in unknown}


def _settings(
    owner: "Run | UnresolvedRun",
    task: ComponentSpec,
    cell: ComponentSpec,
    readout: ComponentSpec,
    stages: Sequence[Stage],
    network: Any = None,
) -> Settings:
    network = network or owner
    parts: list[tuple[KeyPath, object]] = [
        (CELL, cell.name),
        ((OPTIONS_OF_CELL,), cell.options),
        (("task",), {"name": task.name, **task.options}),
        *[((*c, SOURCE), one.source) for c, one in ((CELL, cell), (TASK, task)) if one.source],
        *[((key,), getattr(network, key)) for key in ("hidden", "layers", "bidirectional")],
        (("block",), network.block.model_dump(mode="json") if network.block else None),
        (("readout",), readout.model_dump(mode="json")),
        (("pool",), network.pool),
        (("fit",), owner.fit.model_dump(mode="json")),
        *[(("stages", s.name), _of_stage(s)) for s in stages[:-1]],
    ]
    flat = {path: value for start, part in parts for path, value in _flat(start, part)}
    return {path: v for path, v in flat.items() if path not in (_LENGTH, _NOT_TRAINING)}


def _of_stage(stage: Stage) -> Mapping[str, object]:
    return {"task": stage.task.model_dump(), "fit": stage.fit.model_dump(mode="json")}


def _flat(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    """Yield every single value below a path; a list of numbers is one, and so is an empty one."""
    if isinstance(value, Mapping):
        yield from _flat_mapping(path, value)
    # what names components is written by their names, or with all of their options
    elif isinstance(value, list | tuple) and any(isinstance(v, str | Mapping) for v in value):
        for index, item in enumerate(value):
            yield from _flat((*path, str(index)), item)
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _flat_mapping(path: KeyPath, value: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object]]:
    if value.keys() == ComponentSpec.model_fields.keys():
        value = {"name": value["name"], **value["options"]}
    for key, item in value.items():
        yield from _flat(path if key == "name" else (*path, key), item)
