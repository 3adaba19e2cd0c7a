"""Where the time of a whole update goes, operation by operation, as torch's profiler sees it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch.profiler import ProfilerActivity, profile

from urnn_bench.kernels.choose import choose
from urnn_bench.measure import timing
from urnn_bench.measure.correctness import Shape, cell_of
from urnn_bench.registry import Components

_WARM_UP, _UPDATES, _SHOWN = 3, 10, 8


@dataclass(frozen=True)
class OperationTime:
    """What an operation itself, not what it calls, takes of an update."""

    model: str
    kernel: str
    steps: int
    batch: int
    hidden: int
    operation: str
    calls: float
    update_ms: float
    share: float


def profile_update(components: Components, name: str, shape: Shape) -> Iterator[OperationTime]:
    """Yield the costliest operations of an update by the kernel a run would take, then the rest."""
    kernel = choose(cell_of(components, name, shape), "cpu", "auto").name
    rows = _spent(timing.update(components, name, shape, kernel))
    rest, whole = rows[_SHOWN:], sum(row[2] for row in rows)
    other = (f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest))
    for operation, calls, spent_us in [*rows[:_SHOWN], other]:
        yield OperationTime(
            name,
            kernel,
            shape.steps,
            shape.batch,
            shape.hidden,
            operation,
            calls / _UPDATES,
            spent_us / _UPDATES / 1e3,
            spent_us / whole,
        )


def _spent(step: Callable[[], object]) -> list[tuple[str, int, float]]:
    """Return name, calls and microseconds of every operation of some updates, costliest first."""
    for _ in range(_WARM_UP):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(_UPDATES):
            step()
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    return [(event.key, event.count, event.self_cpu_time_total) for event in events]
