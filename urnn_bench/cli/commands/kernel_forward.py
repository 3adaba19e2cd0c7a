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
    from urnn_bench.measure.correctness import Shape
    from urnn_bench.measure.forward_plan import CellAtShape, Plan

# a cell of any number of inputs reads a signal of one channel
_INPUTS = 1


def check_peers(peers: Sequence[str], forward: bool, device: str) -> None:
    """Raise UsageError for peers that cannot be timed, UnknownNameError for one that is none."""
    if not peers:
        return
    if not forward or device != "cpu":
        raise UsageError("--peer is timed forward on a CPU; add --forward and leave out --device")
    from urnn_bench.measure.peers import require_installed

    require_installed(peers)


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
        steps, each = task.batch("train", 0, 1, 0).x.shape[:2]
        shape = Shape(steps, each * run.fit.batch, run.hidden)
        yield CellAtShape(run.label, run.cell, task.signature.inputs.width, shape)


def cells_of_sizes(components: Components, sizes: Sizes) -> "list[CellAtShape]":
    """Return cells with default options, and as many inputs as their example has, or one."""
    from urnn_bench.measure.forward_plan import CellAtShape
    from urnn_bench.spec.types import ComponentSpec

    return [
        CellAtShape(
            name,
            ComponentSpec(name=name),
            shape.inputs or known_example(components, name).inputs or _INPUTS,
            shape,
        )
        for shape, names in sizes.items()
        for name in names
    ]


def plans_of(
    components: Components, cells: "Sequence[CellAtShape]", device: str, kernels: Sequence[str]
) -> "list[list[Plan]]":
    """Return what to time, in groups of one shape; name the cells of which nothing is.

    Raises UsageError if nothing is left to time, ComponentError if no cell can be built.
    """
    plans = _possible(components, cells, device, kernels)
    lacking = [p.cell.label for p in plans if not p.kernels and not p.obstacles]
    if not any(plan.kernels for plan in plans):
        raise UsageError(f"nothing is left to time: {'; '.join(_reasons(plans, lacking, kernels))}")
    for text in _reasons([], lacking, kernels):
        echo_err(f"skipped: {text}")
    groups: dict[Shape, list[Plan]] = {}
    for plan in plans:
        groups.setdefault(plan.cell.shape, []).append(plan)
    return list(groups.values())


def _reasons(
    plans: "Sequence[Plan]", lacking: Sequence[str], kernels: Sequence[str]
) -> Iterator[str]:
    for plan in plans:
        for kernel, reason in plan.obstacles:
            yield f"{kernel} of {plan.cell.label}: {reason}"
    for label in dict.fromkeys(lacking):
        yield f"{label} has no kernel {' or '.join(kernels)}"


def _possible(
    components: Components, cells: "Sequence[CellAtShape]", device: str, kernels: Sequence[str]
) -> "list[Plan]":
    """Return the plans of the cells that can be built; name the others, with the reason."""
    from urnn_bench.measure.forward_plan import plan

    plans, refusals = [], []
    for cell in cells:
        try:
            plans.append(plan(components, cell, device, kernels))
        except TooLargeError:
            raise
        except ComponentError as error:
            refusals.append(error)
    for refusal in refusals if plans else refusals[:-1]:
        echo_err(f"skipped: {refusal}")
    if not plans:
        raise refusals[-1]
    return plans
