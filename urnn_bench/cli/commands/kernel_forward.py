"""``urnn-bench kernels --forward``: the cells at their shapes, and what is said of them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from urnn_bench.cli.commands.kernel_sizes import Sizes, known_example
from urnn_bench.cli.display.output import echo_err
from urnn_bench.errors import ComponentError, TooLargeError, UsageError
from urnn_bench.registry import Components
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.sweep import Selection

if TYPE_CHECKING:
    from urnn_bench.measure.forward_plan import CellAtShape, Plan

# a cell of any number of inputs reads a signal of one channel
_INPUTS = 1


def cells_of_benchmark(
    components: Components, benchmark: str, models: list[str] | None
) -> "list[CellAtShape]":
    """Return the cells of a benchmark with their options, for the inputs of its task."""
    cells: list[CellAtShape] = []
    selection = Selection(models=tuple(models or ()), seeds=(0,))
    for cell in _trained(components, benchmark, selection):
        if cell not in cells:
            cells.append(cell)
    return cells


def _trained(
    components: Components, benchmark: str, selection: Selection
) -> "Iterator[CellAtShape]":
    from urnn_bench.measure.correctness import Shape
    from urnn_bench.measure.forward_plan import CellAtShape
    from urnn_bench.run import build

    for run in matrix(components, [benchmark], selection).runs:
        task = build.task_of(components, run)
        steps = len(task.batch("train", 0, 1, 0).x)
        shape = Shape(steps, run.fit.batch, run.hidden)
        yield CellAtShape(run.label, run.cell, task.signature.inputs.width, shape)


def cells_of_sizes(components: Components, sizes: Sizes) -> "list[CellAtShape]":
    """Return cells with default options, and as many inputs as their example has, or one."""
    from urnn_bench.measure.forward_plan import CellAtShape
    from urnn_bench.spec.types import ComponentSpec

    return [
        CellAtShape(
            name, ComponentSpec(name=name), known_example(components, name).inputs or _INPUTS, shape
        )
        for shape, names in sizes.items()
        for name in names
    ]


def plans_of(
    components: Components, cells: "Sequence[CellAtShape]", device: str, kernels: Sequence[str]
) -> "list[list[Plan]]":
    """Return what to time, in groups of one shape; name the cells that cannot be built.

    Raises UsageError if nothing is left to time.
    """
    groups: dict[object, list[Plan]] = {}
    for plan in _possible(components, cells, device, kernels):
        groups.setdefault(plan.cell.shape, []).append(plan)
    if not any(plan.kernels for group in groups.values() for plan in group):
        raise UsageError(_nothing([plan for group in groups.values() for plan in group], kernels))
    return list(groups.values())


def _possible(
    components: Components, cells: "Sequence[CellAtShape]", device: str, kernels: Sequence[str]
) -> "Iterator[Plan]":
    from urnn_bench.measure.forward_plan import plan

    refusals = []
    for cell in cells:
        try:
            yield plan(components, cell, device, kernels)
        except TooLargeError:
            raise
        except ComponentError as error:
            refusals.append(error)
    for refusal in refusals[: len(cells) - 1]:
        echo_err(f"skipped: {refusal}")
    if len(refusals) == len(cells):
        raise refusals[-1]


def _nothing(plans: "list[Plan]", kernels: Sequence[str]) -> str:
    reasons = [f"{p.cell.label} {k}: {reason}" for p in plans for k, reason in p.obstacles]
    if not reasons:
        labels = dict.fromkeys(p.cell.label for p in plans)
        reasons = [f"{', '.join(labels)} without a kernel {' or '.join(kernels)}"]
    return f"nothing is left to time: {'; '.join(reasons)}"
