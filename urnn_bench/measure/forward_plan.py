"""Which cells and kernels ``urnn-bench kernels --forward`` times, and whether they fit into memory.

T steps, B batch, F input features, H hidden width.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.choose import available
from urnn_bench.measure.correctness import Shape, of_cell
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.run.limits import require_memory_of_forward
from urnn_bench.spec.types import ComponentSpec

# the time loop takes a minute and more for a million steps
MOST_LOOP_STEPS = 5000
_LEFT_OUT = f"it is left out above {MOST_LOOP_STEPS:,} steps; --kernel eager times it"


@dataclass(frozen=True)
class CellAtShape:
    """A cell with its options, by the label of its model, and the shape of its input."""

    label: str
    spec: ComponentSpec
    inputs: int
    shape: Shape

    def build(self, components: Components, dtype: torch.dtype = torch.float32) -> Cell:
        """Return the cell as an evaluation has it.

        Raises ComponentError with what the cell raises.
        """
        threads = torch.get_num_threads()
        # LAPACK's threads wait for each other where cores are shared, for ten times as long
        torch.set_num_threads(1)
        try:
            return of_cell(self.label, self._build, components, dtype)
        finally:
            torch.set_num_threads(threads)

    def _build(self, components: Components, dtype: torch.dtype) -> Cell:
        kind = components.cells.get(self.spec.name, Cell)
        options = kind.Options.model_validate(self.spec.options)
        with seeded(0, "init"):
            # once: what was rounded to float32 would stay so in float64
            return kind(self.inputs, self.shape.hidden, options).to(dtype).eval()


@dataclass(frozen=True)
class Plan:
    """The kernels of a cell to time, and why its others are not."""

    cell: CellAtShape
    kernels: tuple[str, ...]
    obstacles: tuple[tuple[str, str], ...]


def plan(
    components: Components, cell: CellAtShape, device: str, wanted: Collection[str] = ()
) -> Plan:
    """Return what to time of a cell: the kernels ``wanted``, or all but the loop over many steps.

    Raises ComponentError with what the cell raises, TooLargeError if a kernel cannot fit into the
    free memory.
    """
    built = cell.build(components)
    obstacles = dict(_obstacles(built, cell, device, wanted))
    kernels = [
        k for k in available(built, device) if k not in obstacles and (not wanted or k in wanted)
    ]
    for kernel in kernels:
        _require_memory(built, cell, device, kernel)
    return Plan(cell, tuple(kernels), tuple(obstacles.items()))


def _obstacles(
    built: Cell, cell: CellAtShape, device: str, wanted: Collection[str]
) -> Iterator[tuple[str, str]]:
    if not wanted and cell.shape.steps > MOST_LOOP_STEPS:
        yield "eager", _LEFT_OUT
    for name, kernel in built.kernels.items():
        reason = kernel.unavailable_reason(built, device)
        if reason and (not wanted or name in wanted):
            yield name, reason


def _require_memory(built: Cell, cell: CellAtShape, device: str, kernel: str) -> None:
    implementation, shape = built.kernels.get(kernel), cell.shape
    makes_states = implementation is None or implementation.last_state is None
    hidden = shape.hidden if makes_states else None
    require_memory_of_forward(shape.steps, shape.batch, cell.inputs, hidden, device)
