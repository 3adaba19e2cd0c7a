"""Where a benchmark writes a key of one run: at the top, in a model, a stage or the grid."""

from collections.abc import Mapping
from typing import NamedTuple

from urnn_bench.spec import grid as grids
from urnn_bench.spec.benchmark import ModelSpec
from urnn_bench.spec.explain import Where
from urnn_bench.spec.grid import TASK, GridPoint
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.stages import StageSpec
from urnn_bench.spec.unresolved import CheckedBenchmark

MODELS, STAGES = "models", "stages"


class StagesOfRun(NamedTuple):
    """What a benchmark writes of the stages of one run, and the keys that lead to them."""

    specs: Mapping[str, StageSpec]
    path: KeyPath


def stages_of(checked: CheckedBenchmark, name: str) -> StagesOfRun:
    """Return the stages of a model: its own, or those of the benchmark."""
    own = checked.benchmark.models[name].stages
    if own is None:
        return StagesOfRun(checked.benchmark.stages, (STAGES,))
    return StagesOfRun(own, (MODELS, name, STAGES))


def where_of(checked: CheckedBenchmark, name: str, point: GridPoint) -> Where:
    """Return a function that names the place of a key: what sets it last for a model's runs."""
    axes = {axis: grids.benchmark_path(axis, name) for axis in point}
    model, stages = checked.benchmark.models[name], stages_of(checked, name)

    def where(path: KeyPath) -> str:
        path = _outside_stage(path, stages)
        axis = next((axis for axis, keys in axes.items() if grids.is_below(path, keys)), None)
        if axis is not None:
            return checked.where(("grid", axis, *path[len(axes[axis]) :]))
        return checked.where((MODELS, name, *path) if _is_of_model(path, model) else path)

    return where


def _outside_stage(path: KeyPath, stages: StagesOfRun) -> KeyPath:
    """Return where a key of a stage's task is written, if the stage does not write it."""
    depth = len(stages.path)
    name, *inner = path[depth:] or ("",)
    if path[:depth] != stages.path or inner[:1] != [TASK] or not inner[1:]:
        return path
    changes = stages.specs[name].task
    if "name" in changes or inner[1] in changes:
        return path
    # lengths stand at the top
    return ("T",) if inner[1] == "T" else tuple(inner)


def _is_of_model(path: KeyPath, model: ModelSpec) -> bool:
    """Return whether a model changes the option of the task at ``path``."""
    node: object = {TASK: model.task} if path[1:] else {}
    for key in path:
        if not isinstance(node, Mapping):
            return True
        if key not in node:
            return False
        node = node[key]
    return True
