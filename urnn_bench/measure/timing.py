"""Time every way to compute a recurrence, after checking that they compute the same.

The input is a batch of copying memory; the gradient that comes back from the readout is random.
Contenders take turns in one process, so that a machine whose speed drifts treats all alike;
medians and ratios of neighbours in time are what to quote.
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
    run_of,
)
from urnn_bench.records import environment
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend

_AGREE = 1e-9
# two calls each: what is captured is captured by the fourth
_UNMEASURED = 2
_PEAK_SIZE, _PEAK_ROUNDS = 1024, 5
_PASSES = 3  # forward, and twice that backward
_VENDORS: dict[str, Callable[..., nn.RNNBase]] = {"nn.LSTM": nn.LSTM, "nn.RNN": nn.RNN}
_GATES = {"nn.LSTM": 4, "nn.RNN": 1}


@dataclass(frozen=True)
class Timing:
    """One row: a model by a kernel at a shape; times are medians for forward and backward."""

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
        """Microseconds of an update for each step in time."""
        return None if self.update_ms is None else 1e3 * self.update_ms / self.steps


@dataclass
class _Candidate:
    """Something to time: a recurrence alone, and a whole update with it."""

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

    On a GPU, updates by a kernel are replayed as a run's are, those by the time loop are not.

    Raises GateError if a kernel does not agree with the time loop in float64.
    """
    x = inputs_of(components, shape).to(device)
    candidates = [c for name in models for c in _candidates(components, name, shape, x)]
    candidates += [_module(name, shape, x) for name in _VENDORS]
    times = _interleaved([_timer(c.recur, c) for c in candidates], rounds)
    updates = _interleaved([_timer(c.update, c) for c in candidates if c.update], rounds)
    whole = dict(zip((id(c) for c in candidates if c.update), updates, strict=True))
    peak = _peak_gflop_per_s(device)
    eager = {c.model: t for c, t in zip(candidates, times, strict=True) if c.kernel == "eager"}
    for candidate, seconds in zip(candidates, times, strict=True):
        yield _row(candidate, shape, seconds, whole.get(id(candidate)), eager, peak)
    yield from (
        Timing(name, kernel, device, **asdict(shape), obstacle=reason)
        for name in models
        for kernel, reason in _obstacles(components, name, shape, device)
    )


def _candidates(components: Components, name: str, shape: Shape, x: Tensor) -> Iterator[_Candidate]:
    """Yield the time loop and every kernel that can run."""
    device = x.device.type
    cell = cell_of(components, name, shape).to(device)
    for kernel in available(cell, device):
        error = max_relative_error(components, name, shape, x, kernel, device)
        # so written that NaN does not pass
        if not error <= _AGREE:
            text = f"the kernel '{kernel}' of '{name}' differs from the time loop by {error:.1e}"
            raise GateError(text)
        run = choose(cell, device, kernel).run
        recur = partial(_forward_and_backward, cell, run, x, cotangent(x, cell.features))
        step = update(components, name, shape, kernel, device)
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
    """Return torch's own module of the same width as a contender."""
    features, g = x.shape[-1], cotangent(x, shape.hidden)
    module = _VENDORS[name](features, shape.hidden).to(x.device)

    def recur() -> None:
        module(x)[0].backward(g)

    wide = _GATES[name] * shape.hidden
    flops = 2 * wide * (features + shape.hidden) * shape.steps * shape.batch * _PASSES
    threads = THREADS.get()
    return _Candidate("torch", name, recur, None, flops, x.device.type, torch_threads=threads)


def _forward_and_backward(cell: Cell, run: Forward, x: Tensor, g: Tensor) -> Tensor:
    """Return hs after the gradient ``g`` has reached every parameter."""
    hs, _ = run(x, cell.initial_state(x.shape[1]), cell.weights())
    cell.readout_features(hs).backward(g)  # type: ignore[no-untyped-call]
    return hs


def update(
    components: Components, name: str, shape: Shape, kernel: str, device: str = "cpu"
) -> Callable[[], object]:
    """Return a function that makes one whole update: data, loss, gradient, clipping, step."""
    job, _ = build.job_of(components, run_of(name, shape), Backend(device, kernel))
    events = train_run(job, TrainState(evaluated=True))
    updates = (event for event in events if isinstance(event, Updated))
    return lambda: next(updates)


def _flops(cell: Cell, shape: Shape) -> float | None:
    per_step = cell.flops()
    return None if per_step is None else per_step * shape.steps * shape.batch * _PASSES


def _timer(function: Callable[[], object], candidate: _Candidate) -> Callable[[], float]:
    """Return a function that takes a contender's turn and returns the seconds of its second call.

    The first brings its data into the caches, and outlasts torch's threads, which spin for a while
    after the turn before, in the way of whoever comes next.
    """

    def run() -> float:
        torch.set_num_threads(candidate.torch_threads)
        function()
        wait_for(candidate.device)
        began = time.perf_counter()
        function()
        wait_for(candidate.device)
        return time.perf_counter() - began

    return run


def wait_for(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def _interleaved(functions: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Return the seconds of every call, the functions taking turns, after two rounds unmeasured."""
    turns = [[function() for function in functions] for _ in range(rounds + _UNMEASURED)]
    turns = turns[_UNMEASURED:]
    return [list(seconds) for seconds in zip(*turns, strict=True)]


def _row(
    candidate: _Candidate,
    shape: Shape,
    seconds: list[float],
    update: list[float] | None,
    eager: dict[str, list[float]],
    peak: float,
) -> Timing:
    middle = median(seconds)
    base = eager.get(candidate.model)
    ratios = sorted(a / b for a, b in zip(base, seconds, strict=True)) if base else []
    rate = candidate.flops / middle / 1e9 if candidate.flops else None
    whole = median(update) if update else None
    return Timing(
        candidate.model,
        candidate.kernel,
        candidate.device,
        **asdict(shape),
        error=candidate.error,
        recurrence_ms=1e3 * middle,
        update_ms=1e3 * whole if whole else None,
        ratio=median(ratios) if ratios else None,
        ratio_low=ratios[0] if ratios else None,
        ratio_high=ratios[-1] if ratios else None,
        share=middle / whole if whole else None,
        memory_mb=_memory_mb(candidate),
        gflop_per_s=rate,
        of_peak=rate / peak if rate else None,
    )


def _memory_mb(candidate: _Candidate) -> float | None:
    """Return how much the process, or what is allocated on a GPU, grows in a turn."""
    gc.collect()
    if candidate.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        allocated = torch.cuda.memory_allocated()
        candidate.recur()
        return (torch.cuda.max_memory_allocated() - allocated) / 2**20
    # from a trimmed heap
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    environment.reset_peak()
    before = environment.peak_mb()
    candidate.recur()
    after = environment.peak_mb()
    return None if before is None or after is None else after - before


def _peak_gflop_per_s(device: str) -> float:
    """Return what this device reaches in a large matrix product of float32, its best round."""
    a, threads = torch.randn(_PEAK_SIZE, _PEAK_SIZE).to(device), THREADS.get()
    product = _Candidate("", "", lambda: a @ a, None, None, device, torch_threads=threads)
    (seconds,) = _interleaved([_timer(product.recur, product)], _PEAK_ROUNDS)
    return float(2 * _PEAK_SIZE**3 / min(seconds) / 1e9)
