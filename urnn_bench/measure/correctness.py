"""Check that a kernel computes what the time loop computes, and the runs used for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.errors import Arguments, ComponentError, Returned
from urnn_bench.global_state import kept
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.time_loop import State, unroll
from urnn_bench.random_streams import generator, global_states, may_draw, seed_globals, seeded
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.device import Backend
from urnn_bench.run.examples import example_of
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

_CHECKED_STEPS = 40
# two symbols at least, the blank and the sign to recall
_FEWEST_INPUTS = 4
_NEVER = 1 << 30
_ZERO = 1e-6


@dataclass(frozen=True)
class Shape:
    """The shape of an update: T steps, B sequences, H hidden units, F inputs.

    Without inputs there are as many as the example of a cell has.
    """

    steps: int
    batch: int
    hidden: int
    inputs: int | None = None


def run_of(components: Components, name: str, shape: Shape) -> Run:
    """Return a run of copying memory at a shape, without any evaluation.

    Raises ComponentError if it cannot have as many inputs.
    """
    return _run(name, shape, shape.inputs or example_of(components, name).inputs)


def _run(name: str, shape: Shape, inputs: int | None) -> Run:
    recall = min(10, max(1, (shape.steps - 1) // 2))
    options = {"T": max(1, shape.steps - 2 * recall), "recall": recall}
    if inputs is not None:
        if inputs < _FEWEST_INPUTS:
            text = f"copying memory, on which it is measured, has at least {_FEWEST_INPUTS} inputs"
            raise ComponentError(f"the example of the cell '{name}' has {inputs} inputs; {text}")
        # the symbols, the blank and the sign to recall
        options["symbols"] = inputs - 2
    fit = Fit(steps=_NEVER, batch=shape.batch, evaluate_every=_NEVER, log_every=_NEVER)
    return Run(
        benchmark="kernels",
        label=name,
        task=ComponentSpec(name="copying", options=options),
        cell=ComponentSpec(name=name),
        hidden=shape.hidden,
        fit=fit,
        seed=0,
    )


def inputs_of(components: Components, shape: Shape, name: str = "rnn") -> Tensor:
    """Return a batch of copying memory as a model's cell reads it, (T, B, F)."""
    run = _run("rnn", shape, shape.inputs or example_of(components, name).inputs)
    job, _ = build.job_of(components, run, Backend("cpu", "eager"))
    x: Tensor = job.model.encode(job.task.batch("train", 0, shape.batch, 0).x)  # type: ignore[operator]
    return x


def cell_of(components: Components, name: str, shape: Shape, inputs: int | None = None) -> Cell:
    """Return a model's cell with default options, by default for the inputs of copying memory."""
    inputs = inputs or inputs_of(components, Shape(3, 1, 1, shape.inputs), name).shape[-1]
    # weights that come from numpy are in double precision
    return _new_cell(components, name, shape, inputs).to(torch.float32)


def _new_cell(components: Components, name: str, shape: Shape, inputs: int) -> Cell:
    cell = components.cells.get(name, Cell)
    with seeded(0, "init"):
        return cell(inputs, shape.hidden, cell.Options())


def _random(size: Sequence[int]) -> Tensor:
    return torch.randn(tuple(size), generator=generator(0, "kernels"), dtype=torch.float64)


def cotangent(x: Tensor, features: int) -> Tensor:
    """Return a random gradient of the readout's input, (T, B, R)."""
    return _random((*x.shape[:2], features)).to(x)


def reason_to_skip(components: Components, name: str, shape: Shape) -> ComponentError | None:
    """Return why a model cannot be trained at a shape on the time loop, None if it can."""
    try:
        build.job_of(components, run_of(components, name, shape), Backend("cpu", "eager"))
    except ComponentError as error:
        return error
    return None


def of_cell(
    name: str,
    function: Callable[Arguments, Returned],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Returned:
    """Return what a function returns; raise ComponentError with what a model's cell raises."""
    with kept():
        return raised_by(f"the model '{name}' cannot be measured", function, *args, **kwargs)


def max_relative_error(
    components: Components, name: str, shape: Shape, x: Tensor, kernel: str, device: str = "cpu"
) -> float:
    """Return the largest relative difference from the time loop in float64.

    Compares outputs and gradients for the task's input, for a random input that requires a
    gradient, and for one with two features, unless the cell's example has a number of its own. A
    cell that draws random numbers is compared in evaluation mode, as a kernel may draw them in
    another order.
    """
    tokens = x[-_CHECKED_STEPS:].double()
    dense = _random(tokens.shape).requires_grad_()
    takes_any = example_of(components, name).inputs is None
    few = [_random((*tokens.shape[:2], 2))] if takes_any else []
    errors = []
    for inputs in (tokens, dense, *few):
        expected_values, values = (
            _outputs_and_gradients(components, name, shape, inputs, k, device)
            for k in ("eager", kernel)
        )
        # where the exact gradient is zero there is only rounding, too small to divide by
        smallest = _ZERO * max(float(tensor.abs().max()) for tensor in expected_values)
        for expected, value in zip(expected_values, values, strict=True):
            scale = max(smallest, float(expected.abs().max()))
            errors.append(float((expected - value).abs().max()) / scale)
    return float(torch.tensor(errors).max())


def _draws(cell: Cell, x: Tensor) -> bool:
    """Return whether the first two steps of a cell move a global generator."""
    before = global_states()
    with torch.no_grad():
        unroll(cell, x[:2], first_state(cell, x), cell.weights())
    return global_states() != before


def first_state(cell: Cell, x: Tensor) -> State:
    """Return the state before the first step in float64; a cell may make zeros of no type."""
    states = cell.initial_state(x.shape[1])
    return tuple(s.double() if s.is_floating_point() else s for s in states)


def _outputs_and_gradients(
    components: Components, name: str, shape: Shape, inputs: Tensor, kernel: str, device: str
) -> list[Tensor]:
    """Return the states, a readout of them, and the gradients of both, in float64."""
    x = inputs.detach().to(device).requires_grad_(inputs.requires_grad)
    # not by way of float32: a kernel may know a constant matrix that is rounded there
    cell = _new_cell(components, name, shape, x.shape[-1]).double().to(device)
    if may_draw(cell) and _draws(cell, x.detach()):
        cell.eval()
    seed_globals(0, "kernels")
    choice = choose(cell, device, kernel)
    weight, bias = (
        _random(size).to(device).requires_grad_() for size in ((3, cell.features), (3,))
    )
    hs, _ = choice.run(x, first_state(cell, x), cell.weights())
    features = cell.readout_features(hs)
    y = choice.linear(features, weight, bias)
    # of a cell of which nothing is trained, the features may have no gradient
    parts = [(features, cotangent(x, cell.features)), (y, cotangent(x, 3))]
    outputs, gradients = zip(*(part for part in parts if part[0].requires_grad), strict=True)
    torch.autograd.backward(outputs, gradients)
    leaves = (x, weight, bias, *cell.parameters())
    return [hs.detach(), y.detach(), *(p.grad for p in leaves if p.grad is not None)]
