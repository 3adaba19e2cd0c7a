"""What runs have at a key of a grid, and what their models are called without it."""

from collections.abc import Mapping, Sequence

from urnn_bench.errors import NothingToShowError, near_miss
from urnn_bench.figures._style import escaped
from urnn_bench.records.record import Record
from urnn_bench.spec.grid import FIT, GRID_SEPARATOR, MODEL, TASK, axis_path
from urnn_bench.spec.load import value_text

# numbers, and text as YAML has it
GridValue = float | str


def with_key(records: Sequence[Record], axis: str) -> list[Record]:
    """Return the runs that have the key; raise NothingToShowError if none has it."""
    path = axis_path(axis)
    # models of one benchmark have different options
    chosen = [r for r in records if path[0] != MODEL or path[1] in r.run.cell.options]
    if not chosen:
        raise NothingToShowError(f"no model has the option '{escaped(path[1])}'")
    return chosen


def value_at(record: Record, axis: str) -> GridValue:
    """Return what a run has at a key; raise NothingToShowError if it is no number or text."""
    run, (owner, *keys) = record.run, axis_path(axis)
    value: object = {
        FIT: run.fit.model_dump(),
        TASK: run.task.options,
        MODEL: run.cell.options,
        "hidden": run.hidden,
        "parameters": record.parameters,
        "layers": run.layers,
        "bidirectional": run.bidirectional,
        "pool": run.pool,
        "readout": run.readout.options if keys else run.readout.name,
        "block": run.block.model_dump() if run.block else None,
    }[owner]
    path = owner
    for key in keys:
        value, path = _below(value, key, f"{run.label}: {path}"), f"{path}.{key}"
    if isinstance(value, str | bool):
        return value_text(value)
    if not isinstance(value, int | float):
        raise NothingToShowError(f"{run.label}: {path} is not a number or text: {value}")
    return float(value)


def _below(value: object, key: str, place: str) -> object:
    """Return what is at a key; raise NothingToShowError with the nearest one if there is none."""
    known = value if isinstance(value, Mapping) else {}
    if key not in known:
        raise NothingToShowError(f"{place} has no key '{escaped(key)}'{near_miss(key, known)}")
    return known[key]


def numbers_first(value: GridValue) -> tuple[bool, GridValue]:
    """Return what to sort values by: numbers by size, then text."""
    return isinstance(value, str), value


def value_label(value: GridValue) -> str:
    """Return the text of a tick."""
    return escaped(value) if isinstance(value, str) else f"{value:g}"


def without_key(label: str, axis: str) -> str:
    """Return a label without its value of a key."""
    path = axis_path(axis)
    names = tuple(f"{name}=" for name in (path[-1], ".".join(path)))
    model, _, values = label.partition(GRID_SEPARATOR)
    others = [value for value in values.split(", ") if value and not value.startswith(names)]
    return model + (GRID_SEPARATOR + ", ".join(others) if others else "")
