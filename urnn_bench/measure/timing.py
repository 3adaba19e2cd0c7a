"""Time every kernel of a recurrence, after checking it against the time loop.

The input is a batch of copying memory; the gradient from the readout is random. Candidates take
turns in one process, so that a machine whose speed drifts treats all alike. Quote the medians,
and the ratios, which compare candidates within the same round.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import GateError
from urnn_bench.events import Updated
from urnn_bench.kernels.choose import Forward, available, choose
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.measure.correctness import (
    Shape,
    cell_of,
    cotangent,
    inputs_of,
    max_relative_error,
    of_cell,
    run_of,
)
from urnn_bench.records import environment
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend

_TOLERANCE = 1e-9
# rounds of two calls each: a CUDA graph is captured by the fourth call at the latest
_WARM_UP = 2
_PEAK_SIZE, _PEAK_ROUNDS = 1024, 5
_PASSES = 3  # a backward pass costs as much as two forward passes
_TORCH_MODULES: dict[str, Callable[..., nn.RNNBase]] = {"nn.LSTM": nn.LSTM, "nn.RNN": nn.RNN}
_GATES = {"nn.LSTM": 4, "nn.RNN": 1}


@dataclass(frozen=True)
class Timing:
    """A model with a kernel at a shape; times are medians of forward and backward passes."""

    model: str
    kernel: str
    device: str
    steps: int
    batch: int
    hidden: int
    error: float | None = None
    recurrence_ms: float | None = None
    update_ms: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    share: float | None = None
    memory_mb: float | None = None
    gflop_per_s: float | None = None
    of_peak: float | None = None
    obstacle: str | None = None

    @property
    def us_per_step(self) -> float | None:
        """Microseconds of an update per time step."""
        return None if self.update_ms is None else 1e3 * self.update_ms / self.steps


@dataclass
class _Candidate:
    """A recurrence to time, alone and in a whole update."""

    model: str
    kernel: str
    recur: Callable[[], object]
    update: Callable[[], object] | None
    flops: float | None
    device: str
    error: float | None = None
    torch_threads: int = 1


def time_kernels(
    components: Components, models: Sequence[str], shape: Shape, rounds: int, device: str = "cpu"
) -> Iterator[Timing]:
    """Yield a row for every kernel of every model, and for torch's own modules, at one shape.

    On a GPU, updates with a kernel are replayed from a CUDA graph, as in a run; those with the
    time loop are not.

    Raises GateError if a kernel does not agree with the time loop in float64.
    """
    x = inputs_of(components, shape).to(device)
    candidates = [
        c for name in models for c in of_cell(name, _candidates, components, name, shape, x)
    ]
    candidates += [_module(name, shape, x) for name in _TORCH_MODULES]
    times = _interleaved([_timer(c.recur, c) for c in candidates], rounds)
    updates = _interleaved([_timer(c.update, c) for c in candidates if c.update], rounds)
    update_times = dict(zip((id(c) for c in candidates if c.update), updates, strict=True))
    peak = _peak_gflop_per_s(device)
    eager = {c.model: t for c, t in zip(candidates, times, strict=True) if c.kernel == "eager"}
    for candidate, seconds in zip(candidates, times, strict=True):
        yield _row(candidate, shape, seconds, update_times.get(id(candidate)), eager, peak)
    yield from (
        Timing(name, kernel, device, **asdict(shape), obstacle=reason)
        for name in models
        for kernel, reason in _obstacles(components, name, shape, device)
    )


def _candidates(components: Components, name: str, shape: Shape, x: Tensor) -> list[_Candidate]:
    """Return the time loop and every kernel that can run, after they have run once."""
    return list(_checked_candidates(components, name, shape, x))


def _checked_candidates(
    components: Components, name: str, shape: Shape, x: Tensor
) -> Iterator[_Candidate]:
    device = x.device.type
    # checks the form of what the cell returns
    build.job_of(components, run_of(name, shape), Backend(device, "eager"))
    cell = cell_of(components, name, shape).to(device)
    for kernel in available(cell, device):
        error = max_relative_error(components, name, shape, x, kernel, device)
        # written so that NaN does not pass
        if not error <= _TOLERANCE:
            text = f"the kernel '{kernel}' of '{name}' differs from the time loop by {error:.1e}"
            raise GateError(text)
        run = choose(cell, device, kernel).run
        recur = partial(_forward_and_backward, cell, run, x, cotangent(x, cell.features))
        step = update_function(components, name, shape, kernel, device)
        implementation = cell.kernels.get(kernel)
        threads = 1 if implementation and implementation.own_threads else THREADS.get()
        yield _Candidate(name, kernel, recur, step, _flops(cell, shape), device, error, threads)


def _obstacles(
    components: Components, name: str, shape: Shape, device: str
) -> Iterator[tuple[str, str]]:
    cell = cell_of(components, name, shape)
    for kernel, implementation in cell.kernels.items():
        if reason := implementation.unavailable_reason(cell, device):
            yield kernel, reason


def _module(name: str, shape: Shape, x: Tensor) -> _Candidate:
    """Return torch's own module of the same width as a candidate."""
    features, gradient = x.shape[-1], cotangent(x, shape.hidden)
    module = _TORCH_MODULES[name](features, shape.hidden).to(x.device)

    def recur() -> None:
        module(x)[0].backward(gradient)

    width = _GATES[name] * shape.hidden
    flops = 2 * width * (features + shape.hidden) * shape.steps * shape.batch * _PASSES
    threads = THREADS.get()
    return _Candidate("torch", name, recur, None, flops, x.device.type, torch_threads=threads)


def _forward_and_backward(cell: Cell, run: Forward, x: Tensor, gradient: Tensor) -> Tensor:
    """Return the states after backpropagating ``gradient`` to every parameter."""
    hs, _ = run(x, cell.initial_state(x.shape[1]), cell.weights())
    cell.readout_features(hs).backward(gradient)  # type: ignore[no-untyped-call]
    return hs


def update_function(
    components: Components, name: str, shape: Shape, kernel: str, device: str = "cpu"
) -> Callable[[], object]:
    """Return a function that does one whole update: data, loss, gradient, clipping, step."""
    job, _ = build.job_of(components, run_of(name, shape), Backend(device, kernel))
    events = train_run(job, TrainState(evaluated=True))
    updates = (event for event in events if isinstance(event, Updated))
    return lambda: next(updates)


def _flops(cell: Cell, shape: Shape) -> float | None:
    per_step = cell.flops()
    return None if per_step is None else per_step * shape.steps * shape.batch * _PASSES


def _timer(function: Callable[[], object], candidate: _Candidate) -> Callable[[], float]:
    """Return a function that calls ``function`` twice and returns the seconds of the second call.

    The first call fills the caches. It also outlasts torch's threads, which keep spinning for a
    while after the previous candidate and would slow this one down.
    """

    def run() -> float:
        torch.set_num_threads(candidate.torch_threads)
        function()
        wait_for(candidate.device)
        start = time.perf_counter()
        function()
        wait_for(candidate.device)
        return time.perf_counter() - start

    # a cell may raise at any call, and its draws are no reason to change the process
    return lambda: of_cell(candidate.model, run)


def wait_for(device: str) -> None:
    """Wait until a GPU has finished its queue; do nothing for other devices."""
    if device == "cuda":
        torch.cuda.synchronize()


def _interleaved(functions: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Return the seconds of every function, called in turn, after two rounds of warm-up."""
    seconds = [[function() for function in functions] for _ in range(rounds + _WARM_UP)]
    return [list(column) for column in zip(*seconds[_WARM_UP:], strict=True)]


def _row(
    candidate: _Candidate,
    shape: Shape,
    seconds: list[float],
    update_seconds: list[float] | None,
    eager: dict[str, list[float]],
    peak: float,
) -> Timing:
    recurrence_s = median(seconds)
    update_s = median(update_seconds) if update_seconds else None
    eager_seconds = eager.get(candidate.model)
    ratios = (
        sorted(a / b for a, b in zip(eager_seconds, seconds, strict=True)) if eager_seconds else []
    )
    rate = candidate.flops / recurrence_s / 1e9 if candidate.flops else None
    return Timing(
        candidate.model,
        candidate.kernel,
        candidate.device,
        **asdict(shape),
        error=candidate.error,
        recurrence_ms=1e3 * recurrence_s,
        update_ms=1e3 * update_s if update_s else None,
        ratio=median(ratios) if ratios else None,
        ratio_low=ratios[0] if ratios else None,
        ratio_high=ratios[-1] if ratios else None,
        share=recurrence_s / update_s if update_s else None,
        memory_mb=_memory_mb(candidate),
        gflop_per_s=rate,
        of_peak=rate / peak if rate else None,
    )


def _memory_mb(candidate: _Candidate) -> float | None:
    """Return the memory that a recurrence adds to the process, or allocates on a GPU."""
    gc.collect()
    if candidate.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        allocated = torch.cuda.memory_allocated()
        candidate.recur()
        return (torch.cuda.max_memory_allocated() - allocated) / 2**20
    # memory that the heap has kept would hide the growth
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    environment.reset_peak()
    before = environment.peak_mb()
    candidate.recur()
    after = environment.peak_mb()
    return None if before is None or after is None else after - before


def _peak_gflop_per_s(device: str) -> float:
    """Return the rate of a large matrix product in float32 on this device, in its best round."""
    a, threads = torch.randn(_PEAK_SIZE, _PEAK_SIZE).to(device), THREADS.get()
    product = _Candidate("", "", lambda: a @ a, None, None, device, torch_threads=threads)
    (seconds,) = _interleaved([_timer(product.recur, product)], _PEAK_ROUNDS)
    return float(2 * _PEAK_SIZE**3 / min(seconds) / 1e9)
