"""What ``urnn-bench kernels`` times: each model's kernels, and torch's own modules."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.engine.cuda_graph import cuda_graph_of
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import GateError, attempt
from urnn_bench.events import Updated
from urnn_bench.kernels.choose import Forward, available, choose
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.measure.correctness import (
    Shape,
    cell_of,
    cotangent,
    inputs_of,
    max_relative_error,
    run_of,
)
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend

_TOLERANCE = 1e-9
_PASSES = 3  # a backward pass costs as much as two forward passes
TORCH_MODULES: dict[str, Callable[..., nn.RNNBase]] = {"nn.LSTM": nn.LSTM, "nn.RNN": nn.RNN}
_GATES = {"nn.LSTM": 4, "nn.RNN": 1}


@dataclass
class Candidate:
    """A recurrence to time, alone and in a whole update."""

    model: str
    kernel: str
    recur: Callable[[], object]
    replayed: Callable[[], object]
    update: Callable[[], object] | None
    flops: float | None
    device: str
    error: float | None = None
    torch_threads: int = 1


def candidates_of(
    components: Components, name: str, shape: Shape, device: str, kernels: Collection[str] | None
) -> list[Candidate]:
    """Return the time loop and every kernel that can run, after they have run once."""
    x = inputs_of(components, shape, name).to(device)
    return list(_checked_candidates(components, name, shape, x, kernels))


def _checked_candidates(
    components: Components, name: str, shape: Shape, x: Tensor, kernels: Collection[str] | None
) -> Iterator[Candidate]:
    device = x.device.type
    # checks the form of what the cell returns
    build.job_of(components, run_of(components, name, shape), Backend(device, "eager"))
    cell = cell_of(components, name, shape).to(device)
    for kernel in available(cell, device):
        if kernels and kernel not in kernels:
            continue
        error = max_relative_error(components, name, shape, x, kernel, device)
        require_agreement(name, kernel, error)
        run = choose(cell, device, kernel).run
        recur = partial(_forward_and_backward, cell, run, x, cotangent(x, cell.features))
        step = update_function(components, name, shape, kernel, device)
        implementation = cell.kernels.get(kernel)
        threads = 1 if implementation and implementation.own_threads else THREADS.get()
        replayed = recur if kernel == "eager" else _replayed(recur, device)
        yield Candidate(
            name, kernel, recur, replayed, step, _flops(cell, shape), device, error, threads
        )


def require_agreement(name: str, kernel: str, error: float) -> None:
    """Raise GateError if a kernel differs from the time loop by more than rounding in float64."""
    # written so that NaN does not pass
    if not error <= _TOLERANCE:
        text = f"the kernel '{kernel}' of '{name}' differs from the time loop by {error:.1e}"
        raise GateError(text)


def _replayed(recur: Callable[[], object], device: str) -> Callable[[], object]:
    """Return a recurrence as a run has it: a CUDA graph's replay on a GPU that can capture it."""
    replay = attempt(cuda_graph_of, recur) if device == "cuda" else recur
    return recur if isinstance(replay, Exception) else replay


def torch_module(name: str, shape: Shape, x: Tensor) -> Candidate:
    """Return torch's own module of the same width as a candidate."""
    features, gradient = x.shape[-1], cotangent(x, shape.hidden)
    module = TORCH_MODULES[name](features, shape.hidden).to(x.device)

    def recur() -> None:
        module(x)[0].backward(gradient)

    width = _GATES[name] * shape.hidden
    flops = 2 * width * (features + shape.hidden) * shape.steps * shape.batch * _PASSES
    device, threads = x.device.type, THREADS.get()
    replayed = _replayed(recur, device)
    return Candidate("torch", name, recur, replayed, None, flops, device, torch_threads=threads)


def _forward_and_backward(cell: Cell, run: Forward, x: Tensor, gradient: Tensor) -> Tensor:
    """Return the states after backpropagating ``gradient`` to every parameter, if there is one."""
    hs, _ = run(x, cell.initial_state(x.shape[1]), cell.weights())
    features = cell.readout_features(hs)
    if features.requires_grad:
        features.backward(gradient)  # type: ignore[no-untyped-call]
    return hs


def update_function(
    components: Components, name: str, shape: Shape, kernel: str, device: str = "cpu"
) -> Callable[[], object]:
    """Return a function that does one whole update: data, loss, gradient, clipping, step."""
    run = run_of(components, name, shape)
    job, _ = build.job_of(components, run, Backend(device, kernel))
    events = train_run(job, TrainState(evaluated=True))
    updates = (event for event in events if isinstance(event, Updated))
    return lambda: next(updates)


def _flops(cell: Cell, shape: Shape) -> float | None:
    per_step = cell.flops()
    return None if per_step is None else per_step * shape.steps * shape.batch * _PASSES


def obstacles(
    components: Components, name: str, shape: Shape, device: str
) -> Iterator[tuple[str, str]]:
    """Yield the kernels of a model that cannot run on a device, with the reason."""
    cell = cell_of(components, name, shape)
    for kernel, implementation in cell.kernels.items():
        if reason := implementation.unavailable_reason(cell, device):
            yield kernel, reason
