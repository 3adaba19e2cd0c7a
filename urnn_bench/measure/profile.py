"""The time of a whole update by operation, from torch's profiler."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch.profiler import ProfilerActivity, profile

from urnn_bench.kernels.choose import choose
from urnn_bench.measure.candidates import update_function
from urnn_bench.measure.correctness import Shape, cell_of, of_cell
from urnn_bench.registry import Components

_WARM_UP, _UPDATES, _LISTED = 3, 10, 8


@dataclass(frozen=True)
class OperationTime:
    """The time of one operation in an update, without the operations that it calls."""

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
    """Yield the slowest operations of an update with the kernel of a run, then the rest."""
    kernel = of_cell(name, _kernel, components, name, shape)
    update = of_cell(name, update_function, components, name, shape, kernel)
    operations = of_cell(name, _profiled, update)
    rest, total_us = operations[_LISTED:], sum(time_us for _, _, time_us in operations)
    others = (
        f"{len(rest)} others",
        sum(calls for _, calls, _ in rest),
        sum(time_us for _, _, time_us in rest),
    )
    for operation, calls, time_us in [*operations[:_LISTED], others]:
        yield OperationTime(
            name,
            kernel,
            shape.steps,
            shape.batch,
            shape.hidden,
            operation,
            calls / _UPDATES,
            time_us / _UPDATES / 1e3,
            time_us / total_us,
        )


def _kernel(components: Components, name: str, shape: Shape) -> str:
    return choose(cell_of(components, name, shape), "cpu", "auto").name


def _profiled(update: Callable[[], object]) -> list[tuple[str, int, float]]:
    """Return name, calls and microseconds of every operation of some updates, slowest first."""
    for _ in range(_WARM_UP):
        update()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(_UPDATES):
            update()
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    return [(event.key, event.count, event.self_cpu_time_total) for event in events]
