"""What training several seeds at once gains over one after another, with the same updates."""

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
) -> Iterator[StackingTiming]:
    """Yield a row for every kernel of every model, both ways in turn, as a run has its threads."""
    for name in models:
        for kernel in available(cell_of(components, name, shape), device):
            backend = Backend(device, kernel)
            with workers_of(backend) as workers:
                yield _gain(components, name, shape, seeds, rounds, backend, workers)


def _gain(
    components: Components,
    name: str,
    shape: Shape,
    seeds: int,
    rounds: int,
    backend: Backend,
    workers: Workers,
) -> StackingTiming:
    runs = [run_of(name, shape).model_copy(update={"seed": seed}) for seed in range(seeds)]
    apart = [_due(components, run, backend, Company()) for run in runs]
    company = Company(seeds)
    at_once = [_due(components, run, backend, company) for run in runs]

    def one_by_one() -> None:
        for due in apart:
            _raise(answered([due]))

    ways: list[Callable[[], None]] = [one_by_one, lambda: _raise(answered(at_once, workers))]
    turns = [[_seconds(way, backend.device) for way in ways] for _ in range(rounds + 1)][1:]
    ratios = sorted(alone / together for alone, together in turns)
    return StackingTiming(
        name,
        backend.kernel,
        backend.device,
        **asdict(shape),
        seeds=seeds,
        sequential_ms=1e3 * median(alone for alone, _ in turns),
        stacked_ms=1e3 * median(together for _, together in turns),
        ratio=median(ratios),
        ratio_low=ratios[0],
        ratio_high=ratios[-1],
        reason=at_once[0].job.descent.reason,
    )


def _due(components: Components, run: Run, backend: Backend, company: Company) -> Due:
    job = company.joined(build.job_of(components, run, backend)[0])
    like = next(job.model.parameters())
    batch = job.task.batch("train", 0, run.fit.batch, run.seed)
    return Due(job, batch.to(like.device, like.dtype), ())


def _raise(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _seconds(way: Callable[[], None], device: str) -> float:
    began = time.perf_counter()
    way()
    wait_for(device)
    return time.perf_counter() - began
