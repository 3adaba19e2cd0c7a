"""How much faster the updates of several seeds are as a stack than one after another."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from urnn_bench.engine.stacked import Workers, answered
from urnn_bench.engine.update import Due
from urnn_bench.kernels.choose import available
from urnn_bench.measure.correctness import Shape, cell_of, run_of
from urnn_bench.measure.timing import wait_for
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend, workers_of
from urnn_bench.run.executor import Company
from urnn_bench.spec.run import Run


@dataclass(frozen=True)
class StackingTiming:
    """Updates of ``seeds`` runs with a kernel at a shape, and the speed-up of the stack."""

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
) -> Iterator[StackingTiming]:
    """Yield a row for every kernel of every model, with the threads that a run would have."""
    for name in models:
        for kernel in available(cell_of(components, name, shape), device):
            backend = Backend(device, kernel)
            with workers_of(backend) as workers:
                yield _timing(components, name, shape, seeds, rounds, backend, workers)


def _timing(
    components: Components,
    name: str,
    shape: Shape,
    seeds: int,
    rounds: int,
    backend: Backend,
    workers: Workers,
) -> StackingTiming:
    runs = [run_of(name, shape).model_copy(update={"seed": seed}) for seed in range(seeds)]
    single_updates = [_due(components, run, backend, Company()) for run in runs]
    company = Company(seeds)
    stacked_updates = [_due(components, run, backend, company) for run in runs]

    def update_sequentially() -> None:
        for due in single_updates:
            _raise(answered([due]))

    def update_stack() -> None:
        _raise(answered(stacked_updates, workers))

    # both in turn, so that a machine whose speed drifts treats them alike; the first is a warm-up
    times_s = [
        [_seconds(update, backend.device) for update in (update_sequentially, update_stack)]
        for _ in range(rounds + 1)
    ][1:]
    ratios = sorted(sequential / stacked for sequential, stacked in times_s)
    return StackingTiming(
        name,
        backend.kernel,
        backend.device,
        **asdict(shape),
        seeds=seeds,
        sequential_ms=1e3 * median(sequential for sequential, _ in times_s),
        stacked_ms=1e3 * median(stacked for _, stacked in times_s),
        ratio=median(ratios),
        ratio_low=ratios[0],
        ratio_high=ratios[-1],
        reason=stacked_updates[0].job.descent.reason,
    )


def _due(components: Components, run: Run, backend: Backend, company: Company) -> Due:
    job = company.joined(build.job_of(components, run, backend)[0])
    parameter = next(job.model.parameters())
    batch = job.task.batch("train", 0, run.fit.batch, run.seed)
    return Due(job, batch.to(parameter.device, parameter.dtype), ())


def _raise(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _seconds(update: Callable[[], None], device: str) -> float:
    start = time.perf_counter()
    update()
    wait_for(device)
    return time.perf_counter() - start
