"""Models, lengths, stages and the grid under a setting that holds for every run.

What they say themselves of the same key is removed, so that nothing silently overrides the setting.
"""

from collections.abc import Sequence

from urnn_bench.spec.edits import mappings, remove, remove_sizes, values
from urnn_bench.spec.grid import FIT, NETWORK, SIZES, TASK, axis_path, is_below, with_one_size
from urnn_bench.spec.load import KeyPath, YamlMapping

GRID, MODELS, STAGES = "grid", "models", "stages"


def remove_overlays(mapping: YamlMapping, path: KeyPath) -> None:
    """Remove what models, lengths, stages and the grid set at a path that holds for every run."""
    models = mappings(mapping.get(MODELS))
    key, *inner = path
    if key == FIT:
        stages = [stage for owner in (mapping, *models) for stage in mappings(owner.get(STAGES))]
        owners = (owner.get(FIT) for owner in (*models, *stages))
        for overlay in (*owners, *values(mapping.get("T"))):
            remove(overlay, inner)
    if key in SIZES:
        for model in models:
            remove_sizes(model)
    if key == TASK or (key in (*NETWORK, STAGES) and not inner):
        for model in models:
            remove(model, path)
    if key in (FIT, TASK, *SIZES, *NETWORK):
        _remove_from_grid(mapping.get(GRID), path)
    if key == GRID and inner:
        _remove_from_grid(mapping.get(GRID), axis_path(inner[0]), keep=inner[0])


def owners_of(mapping: YamlMapping, path: KeyPath) -> list[YamlMapping]:
    """Return what a setting is written into: the benchmark, and models that have their own.

    A part of a block or a readout goes to every model with one, and a key of a stage to all that
    have a stage of the name.
    """
    models, (key, *inner) = mappings(mapping.get(MODELS)), path
    if key == STAGES and inner:
        owners = [owner for owner in (mapping, *models) if inner[0] in _names(owner)]
        return owners or [mapping]
    if key not in NETWORK or not inner:
        return [mapping]
    own = [model for model in models if model.get(key) is not None]
    return [*own, mapping] if key in mapping or not own else own


def _names(owner: YamlMapping) -> list[object]:
    stages = owner.get(STAGES)
    return [*stages] if isinstance(stages, dict) else []


def _remove_from_grid(grid: object, path: Sequence[str], keep: str = "") -> None:
    """Remove the axes of a grid that set the value at ``path``, a part of it, or more."""
    if not isinstance(grid, dict):
        return
    path = with_one_size(tuple(path))
    for axis in [*grid]:
        axis_keys = with_one_size(axis_path(str(axis)))
        if axis != keep and (is_below(axis_keys, path) or is_below(path, axis_keys)):
            del grid[axis]
