"""A cell at a size at which it can be built, for whoever has no run of it."""

from urnn_bench.cells.base import Cell, Example
from urnn_bench.errors import ComponentError
from urnn_bench.global_state import kept
from urnn_bench.registry import Components
from urnn_bench.run.architecture import raised_by

# as a run of copying memory at the width that kernels are timed at
_INPUTS, _HIDDEN = 10, 128


def example_of(components: Components, name: str) -> Example:
    """Return the example of a model's cell; raise ComponentError with what the cell raises."""
    cell = components.cells.get(name, Cell)
    with kept():
        found = raised_by(f"the cell '{name}' has no example", cell.example)
    if not isinstance(found, Example):
        kind = type(found).__name__
        raise ComponentError(f"the cell '{name}': `example` must return an Example, not {kind}")
    return found


def example_cell(components: Components, name: str) -> Cell:
    """Return a model's cell with default options at its example.

    Raises ComponentError with what the cell raises.
    """
    cell, example = components.cells.get(name, Cell), example_of(components, name)
    inputs, hidden = example.inputs or _INPUTS, example.hidden or _HIDDEN

    def build() -> Cell:
        return cell(inputs, hidden, cell.Options())

    with kept():
        text = f"the cell '{name}' cannot be built with {inputs} inputs, {hidden} wide"
        return raised_by(text, build)
