"""The models and shapes that ``urnn-bench kernels`` times."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from urnn_bench.cli.display.output import echo_err
from urnn_bench.cli.options.kernels import BATCH, HIDDEN, STEPS
from urnn_bench.errors import ComponentError, UnknownComponentError, UnknownNameError, UsageError
from urnn_bench.registry import Components
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.sweep import Selection

if TYPE_CHECKING:
    from urnn_bench.cells.base import Example
    from urnn_bench.measure.correctness import Shape

Sizes: TypeAlias = "dict[Shape, list[str]]"


def sizes_of_benchmark(components: Components, benchmark: str, models: list[str] | None) -> Sizes:
    """Return the models of a benchmark by shape, only those in ``models`` if any are given.

    Raises UsageError if the benchmark trains none of ``models``.
    """
    by_shape = _trained(components, benchmark)
    _check_names(components, models)
    selected = {
        shape: [name for name in names if not models or name in models]
        for shape, names in by_shape.items()
    }
    if not any(selected.values()):
        raise UsageError(f"the benchmark does not train {' or '.join(models or [])}")
    return {shape: names for shape, names in selected.items() if names}


def sizes_of_options(
    components: Components,
    models: list[str] | None,
    steps: list[int] | None,
    batch: list[int] | None,
    hidden: list[int] | None,
    inputs: int | None = None,
) -> Sizes:
    """Return the given models, or all, for every combination of the given sizes.

    Steps and width that are not given are those of the example of the model's cell, if it has any.
    """
    from urnn_bench.measure.correctness import Shape

    _check_names(components, models)
    sizes: Sizes = {}
    for name in dict.fromkeys(models or components.cells.names()):
        example = known_example(components, name)
        own_steps, own_hidden = example.steps or STEPS, example.hidden or HIDDEN
        for shape in product(steps or [own_steps], batch or [BATCH], hidden or [own_hidden]):
            sizes.setdefault(Shape(*shape, inputs), []).append(name)
    return sizes


def known_example(components: Components, name: str) -> "Example":
    """Return the example of a model's cell, an empty one if the cell is refused later."""
    from urnn_bench.cells.base import Example
    from urnn_bench.run.examples import example_of

    try:
        return example_of(components, name)
    except ComponentError:
        return Example()


def without_refused(components: Components, sizes: Sizes) -> Sizes:
    """Return the models that can be measured at each shape; name the others, with the reason.

    Raises ComponentError with the last reason if none can.
    """
    from urnn_bench.measure.correctness import reason_to_skip

    measured: Sizes = {}
    refusals: list[ComponentError] = []
    for shape, names in sizes.items():
        for name in names:
            if error := reason_to_skip(components, name, shape):
                refusals.append(error)
            else:
                measured.setdefault(shape, []).append(name)
    for error in refusals if measured else refusals[:-1]:
        echo_err(f"skipped: {error}")
    if not measured:
        raise refusals[-1]
    return measured


def _trained(components: Components, benchmark: str) -> Sizes:
    """Return the models that a benchmark trains, by shape."""
    from urnn_bench.measure.correctness import Shape
    from urnn_bench.run import build

    by_shape: dict[Shape, list[str]] = {}
    for run in matrix(components, [benchmark], Selection(seeds=(0,))).runs:
        # of one example, which may be several sequences
        steps, each = build.task_of(components, run).batch("train", 0, 1, 0).x.shape[:2]
        names = by_shape.setdefault(Shape(steps, each * run.fit.batch, run.hidden), [])
        if run.cell.name not in names:
            names.append(run.cell.name)
    return by_shape


def _check_names(components: Components, models: list[str] | None) -> None:
    for name in models or []:
        if name not in components.cells.names():
            raise UnknownComponentError("model", name, components.cells.names())


def check_kernels(components: Components, models: Sequence[str], kernels: Sequence[str]) -> None:
    """Raise UnknownNameError for a kernel that none of the models has."""
    from urnn_bench.cells.base import Cell

    known = {"eager"}.union(*(components.cells.get(name, Cell).kernels for name in models))
    for name in kernels:
        if name not in known:
            raise UnknownNameError("kernel", name, sorted(known))
