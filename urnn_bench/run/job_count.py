"""How many processes train the stacks of a matrix at the same time: ``--jobs``."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from urnn_bench.errors import UsageError
from urnn_bench.machine import memory, processors
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import device_of
from urnn_bench.run.estimates import expected_bytes, expected_s
from urnn_bench.spec.run import Run

# less than this is not worth the start of processes, each of which imports torch
_LEAST_GAIN_S = 20.0
_GB = 10**9

Stack = Sequence[Run]


@dataclass(frozen=True)
class Concurrency:
    """What ``--jobs`` and ``--threads`` give: processes, and threads of each; None is automatic."""

    jobs: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Jobs:
    """Stacks, those that take longest first, and how many processes train them at the same time.

    With one process it is this one. ``threads`` is the number that ``--threads`` gave.
    """

    stacks: Sequence[Stack]
    count: int = 1
    threads: int | None = None


def jobs_of(stacks: Sequence[Stack], options: ExecutionOptions, concurrency: Concurrency) -> Jobs:
    """Return the stacks in their order, and the number of processes, by time and memory.

    Raises UsageError for more processes than fit in memory.
    """
    requested, threads = concurrency.jobs, concurrency.threads
    expected = [expected_s(stack, options.results, force=options.force) for stack in stacks]
    left = [stack for stack, needs_s in zip(stacks, expected, strict=True) if needs_s > 0]
    if requested is None:
        count = _automatic(left, [s for s in expected if s > 0], options, threads)
    else:
        count = min(requested, max(1, len(left)))
        _require_memory(count, left, requested)
    if count == 1:
        return Jobs(stacks, 1, threads)
    return Jobs(_longest_first(stacks, expected), count, threads)


def jobs_elsewhere(
    stacks: Sequence[Stack], options: ExecutionOptions, concurrency: Concurrency
) -> Jobs:
    """Return the stacks in their order for other machines, as many at once as they have room."""
    expected = [expected_s(stack, options.results, force=options.force) for stack in stacks]
    count = min(concurrency.jobs or len(stacks), len(stacks))
    return Jobs(_longest_first(stacks, expected), count, concurrency.threads)


def _longest_first(stacks: Sequence[Stack], expected_s: Sequence[float]) -> list[Stack]:
    order = sorted(range(len(stacks)), key=lambda i: -expected_s[i])
    return [stacks[i] for i in order]


def _automatic(
    left: Sequence[Stack], expected: Sequence[float], options: ExecutionOptions, threads: int | None
) -> int:
    """Return as many processes as have processors and memory; one if more would gain little."""
    if len(left) < 2 or device_of(options.backend.device).type != "cpu":
        return 1
    most = min(len(left), max(1, processors.count() // (threads or 1)), _fitting(left))
    gain_s = sum(expected) - max(*expected, sum(expected) / most)
    return most if gain_s > _LEAST_GAIN_S else 1


def _fitting(stacks: Sequence[Stack]) -> int:
    """Return how many of the largest stacks fit into the free memory together, at least one."""
    free = memory.free()
    return max(1, sum(needed <= free for needed in _needed(stacks)))


def _needed(stacks: Sequence[Stack]) -> list[int]:
    """Return what the largest stack needs, the two largest together, and so on, in bytes."""
    return [*accumulate(sorted(map(expected_bytes, stacks), reverse=True))]


def _require_memory(count: int, stacks: Sequence[Stack], requested: int) -> None:
    """Raise UsageError if the largest stacks do not fit; a single one is judged by itself."""
    if count == 1:
        return
    needed, free, most = _needed(stacks)[count - 1], memory.free(), _fitting(stacks)
    if needed > free:
        raise UsageError(
            f"--jobs {requested}: {count} runs at once need about {needed / _GB:.1f} GB, and "
            f"{free / _GB:.1f} GB are free; give --jobs {most} or --jobs auto"
        )
