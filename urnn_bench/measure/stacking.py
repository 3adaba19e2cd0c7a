"""How much faster a stack of seeds is trained than its runs one after another."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from urnn_bench.engine.stacked import UpdateThreads, execute_updates
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.update import Job, UpdateRequest
from urnn_bench.kernels.choose import available
from urnn_bench.measure.correctness import Shape, cell_of, of_cell, run_of
from urnn_bench.measure.timing import wait_for
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend, update_threads


@dataclass(frozen=True)
class StackingTiming:
    """One row: updates of ``seeds`` runs by a kernel at a shape, and how many times faster."""

    model: str
    kernel: str
    device: str
    steps: int
    batch: int
    hidden: int
    seeds: int
    sequential_ms: float
    stacked_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    reason: str


def time_stacking(
    components: Components,
    models: Sequence[str],
    shape: Shape,
    seeds: int,
    rounds: int,
    device: str = "cpu",
    kernels: Collection[str] | None = None,
) -> Iterator[StackingTiming]:
    """Yield a row for every kernel of every model, both ways in turn, as a run has its threads.

    ``kernels`` names those that are timed, all if it is not given.
    """
    for name in models:
        for kernel in of_cell(name, _kernels, components, name, shape, device):
            if kernels and kernel not in kernels:
                continue
            backend = Backend(device, kernel)
            with update_threads(backend) as threads:
                yield of_cell(name, _time, components, name, shape, seeds, rounds, backend, threads)


def _kernels(components: Components, name: str, shape: Shape, device: str) -> list[str]:
    return available(cell_of(components, name, shape), device)


def _time(
    components: Components,
    name: str,
    shape: Shape,
    seeds: int,
    rounds: int,
    backend: Backend,
    threads: UpdateThreads,
) -> StackingTiming:
    run = run_of(components, name, shape)
    runs = [run.model_copy(update={"seed": seed}) for seed in range(seeds)]
    single_jobs, jobs = ([build.job_of(components, r, backend)[0] for r in runs] for _ in range(2))
    single_requests = [_request(job) for job in single_jobs]
    stack = [_request(job) for job in share_strategy(jobs)]

    def sequential() -> None:
        for request in single_requests:
            _raise_failures(execute_updates([request]))

    def stacked() -> None:
        _raise_failures(execute_updates(stack, threads))

    # a GPU captures an update only after a few
    warm_up = max(1, jobs[0].strategy.warm_up_updates)
    turns = [
        (_seconds(sequential, backend.device), _seconds(stacked, backend.device))
        for _ in range(warm_up + rounds)
    ][warm_up:]
    ratios = sorted(sequential_s / stacked_s for sequential_s, stacked_s in turns)
    return StackingTiming(
        name,
        backend.kernel,
        backend.device,
        shape.steps,
        shape.batch,
        shape.hidden,
        seeds=seeds,
        sequential_ms=1e3 * median(sequential_s for sequential_s, _ in turns),
        stacked_ms=1e3 * median(stacked_s for _, stacked_s in turns),
        ratio=median(ratios),
        ratio_low=ratios[0],
        ratio_high=ratios[-1],
        reason=stack[0].job.strategy.reason,
    )


def _request(job: Job) -> UpdateRequest:
    batch = job.task.batch("train", 0, job.fit.batch, job.seed)
    return UpdateRequest(job, batch.to(job.device, job.dtype), ())


def _raise_failures(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result


def _seconds(execute: Callable[[], None], device: str) -> float:
    began_s = time.perf_counter()
    execute()
    wait_for(device)
    return time.perf_counter() - began_s
