"""The axes of a benchmark's grid, checked, and the points that they give each model."""

from collections.abc import Callable, Collection, Mapping, Sequence

from urnn_bench.errors import SpecError, UnknownNameError, near_miss
from urnn_bench.spec import grid as grids
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.grid import GRID_SEPARATOR, GridPoint
from urnn_bench.spec.keys import place_of
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.unresolved import CheckedBenchmark

# of the cell of a model, the names of its options; None if they are not known
CellOptions = Callable[[str], Collection[str] | None]
_OF_GRID = ("grid",)


def grids_of_models(
    checked: CheckedBenchmark, options_of: CellOptions | None, faults: Faults
) -> Mapping[str, Mapping[str, Sequence[object]]]:
    """Return the axes of every model: all but those over options that its cell does not have.

    A key that ``fit`` does not have, and an option that no cell has, is a fault and no axis.
    """
    grid, models = checked.benchmark.grid, checked.benchmark.models
    of_cells = [axis for axis in grid if grids.axis_path(axis)[0] == grids.MODEL]
    cells = {model.cell.name for model in models.values()} if of_cells else set()
    options = {cell: options_of(cell) if options_of else None for cell in cells}
    known_axes = {axis for axis in grid if faults.run(check_axis, checked, axis, options)}

    def has(cell: str, axis: str) -> bool:
        known = options.get(cell)
        if axis not in known_axes:
            return False
        return axis not in of_cells or known is None or grids.axis_path(axis)[1] in known

    return {
        name: {axis: values for axis, values in grid.items() if has(model.cell.name, axis)}
        for name, model in models.items()
    }


def _unknown_axis(key: str) -> str:
    """Return that no axis begins with ``key``, with a near miss or all keys that one may have."""
    of_fit, others = sorted(Fit.model_fields), [*grids.SIZES, *grids.NETWORK]
    known = f"; the keys of fit are {', '.join(of_fit)}; others are {', '.join(others)}"
    place = place_of(key)
    near = f"; did you mean '{place}'?" if place else near_miss(key, [*others, *of_fit])
    advice = near or known
    text = f"fit has no key '{shown_name(key)}'{advice}"
    return f"{text}; options of the task are task.KEY, those of the cells model.KEY"


def check_axis(
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


def points_of(
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
