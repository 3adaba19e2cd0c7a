"""Time every kernel of a recurrence, after checking it against the time loop.

The input is a batch of copying memory; the gradient from the readout is random. Candidates take
turns in one process, so that a machine whose speed drifts treats all alike. Quote the medians,
and the ratios, which compare candidates within the same round.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median

import torch
from torch import Tensor

from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.measure.candidates import (
    TORCH_MODULES,
    Candidate,
    candidates_of,
    obstacles,
    torch_module,
)
from urnn_bench.measure.correctness import Shape, inputs_of, of_cell
from urnn_bench.records import environment
from urnn_bench.registry import Components

# rounds of two calls each: a CUDA graph is captured by the fourth call at the latest
_WARM_UP = 2
_PEAK_SIZE, _PEAK_ROUNDS = 1024, 5


@dataclass(frozen=True)
class Timing:
    """A model with a kernel at a shape; times are medians of forward and backward passes."""

    model: str
    kernel: str
    device: str
    steps: int
    batch: int
    hidden: int
    inputs: int | None = None
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


def time_kernels(
    components: Components,
    models: Sequence[str],
    shape: Shape,
    rounds: int,
    device: str = "cpu",
    kernels: Collection[str] | None = None,
) -> Iterator[Timing]:
    """Yield a row for every kernel of every model, and for torch's own modules, at one shape.

    ``kernels`` names those that are timed, all if it is not given. On a GPU, what a kernel computes
    is replayed from a CUDA graph, as in a run; the time loop is not.

    Raises GateError if a kernel does not agree with the time loop in float64.
    """
    x = inputs_of(components, shape).to(device)
    candidates = [
        c
        for name in models
        for c in of_cell(name, candidates_of, components, name, shape, device, kernels)
    ]
    candidates += [torch_module(name, shape, x) for name in TORCH_MODULES]
    times = interleaved([timer(c.replayed, c) for c in candidates], rounds)
    updates = interleaved([timer(c.update, c) for c in candidates if c.update], rounds)
    update_times = dict(zip((id(c) for c in candidates if c.update), updates, strict=True))
    peak = _peak_gflop_per_s(device)
    eager = {c.model: t for c, t in zip(candidates, times, strict=True) if c.kernel == "eager"}
    with _only_new_objects_collected():
        rows = [
            _row(candidate, shape, seconds, update_times.get(id(candidate)), eager, peak)
            for candidate, seconds in zip(candidates, times, strict=True)
        ]
    yield from rows
    yield from (
        Timing(name, kernel, device, **asdict(shape), obstacle=reason)
        for name in models
        for kernel, reason in obstacles(components, name, shape, device)
        if not kernels or kernel in kernels
    )


def timer(
    function: Callable[[], object],
    candidate: Candidate,
    first: Callable[[], object] | None = None,
) -> Callable[[], float]:
    """Return a function that calls ``function`` twice and returns the seconds of the second call.

    The first call, of ``first`` if it is given, fills the caches. It also outlasts torch's threads,
    which keep spinning for a while after the previous candidate and would slow this one down.
    """

    def run() -> float:
        torch.set_num_threads(candidate.torch_threads)
        (first or function)()
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


def interleaved(
    functions: Sequence[Callable[[], float]], rounds: int, warm_up: int = _WARM_UP
) -> list[list[float]]:
    """Return the seconds of every function, called in turn, after rounds of warm-up."""
    seconds = [[function() for function in functions] for _ in range(rounds + warm_up)]
    return [list(column) for column in zip(*seconds[warm_up:], strict=True)]


@contextmanager
def _only_new_objects_collected() -> Iterator[None]:
    """Let a collection search what is made in the block alone: all modules take a while."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _row(
    candidate: Candidate,
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
        memory_mb=of_cell(candidate.model, memory_mb, candidate),
        gflop_per_s=rate,
        of_peak=rate / peak if rate else None,
    )


def memory_mb(candidate: Candidate) -> float | None:
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

    def multiply() -> Tensor:
        return a @ a

    product = Candidate("", "", multiply, multiply, None, None, device, torch_threads=threads)
    (seconds,) = interleaved([timer(multiply, product)], _PEAK_ROUNDS)
    return float(2 * _PEAK_SIZE**3 / min(seconds) / 1e9)
