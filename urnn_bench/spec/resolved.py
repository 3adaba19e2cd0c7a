"""A benchmark with the user's selection written into it, as YAML that trains the same runs."""

import yaml

from urnn_bench.errors import UsageError
from urnn_bench.spec.edits import mappings
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.load import Dumper, YamlMapping
from urnn_bench.spec.sweep import Selection


def resolved_text(edited: YamlMapping, selection: Selection, stacked: bool | None) -> str:
    """Return a benchmark as YAML; ``edited`` has the settings of the selection in it already.

    Raises UsageError for a label of a single point of a grid.
    """
    chosen = {**edited, **_chosen(edited, selection)}
    if not any(mappings(chosen["T"])):
        chosen["T"] = [*_mapping(chosen["T"])]
    if stacked is not None:
        chosen["together"] = stacked
    text: str = yaml.dump(chosen, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _chosen(edited: YamlMapping, selection: Selection) -> YamlMapping:
    """Return the keys of a benchmark that the selection changes."""
    if points := [label for label in selection.models if GRID_SEPARATOR in label]:
        raise UsageError(
            f"--print-config takes models by their names, and '{points[0]}' is a point of the "
            "grid; give its values with --set grid.KEY=[VALUE]"
        )
    lengths, models = _mapping(edited["T"]), _mapping(edited["models"])
    chosen: YamlMapping = {"T": lengths}
    if selection.lengths:
        chosen["T"] = {T: lengths.get(T, {}) for T in selection.lengths}
    if selection.models:
        chosen["models"] = {name: models[name] for name in selection.models}
    if selection.seeds:
        chosen["seeds"] = [*selection.seeds]
    return chosen


def _mapping(value: object) -> YamlMapping:
    """Return a mapping, or one whose keys are a single length."""
    return value if isinstance(value, dict) else {value: {}}
