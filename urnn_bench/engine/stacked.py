"""The updates of a stack, executed together where the shapes of their batches allow.

A run learns the same whichever runs share its stack: only the work is shared.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

from torch import Tensor

from urnn_bench.engine.draws import DrawnError
from urnn_bench.engine.update import Job, PartialFailureError, State, StepOutput, UpdateRequest
from urnn_bench.errors import attempt


@dataclass(frozen=True)
class UpdateResult:
    """An update's loss and last state, valid until the next update, and its share of the time."""

    loss: Tensor
    state: State
    train_s: float


# of a time step: measured on two cores, dtriv of 128 units gains and an LSTM of 40 does not
_LONG_FLOPS = 3e6


@dataclass(frozen=True)
class UpdateThreads:
    """Threads that execute updates: how many, and a map over them."""

    count: int = 1
    map: Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]] = map


def execute_updates(
    requests: Sequence[UpdateRequest], threads: UpdateThreads | None = None
) -> list[UpdateResult | Exception]:
    """Execute every request; return an update's result or its exception, in their order."""
    began_s = perf_counter()
    outcomes = _execute_in_shares(requests, threads or UpdateThreads())
    for i, outcome in outcomes.items():
        if isinstance(outcome, DrawnError):
            outcomes[i] = _execute_with_draws(requests[i])
    train_s = (perf_counter() - began_s) / max(1, len(requests))
    return [_result(outcomes[i], train_s) for i in range(len(requests))]


def _execute_in_shares(
    requests: Sequence[UpdateRequest], threads: UpdateThreads
) -> dict[int, StepOutput | Exception]:
    shares = list(_split_for_threads(requests, threads.count))
    # a single update may have all threads of its kernel; global generators serve one at a time
    alone = len(shares) < 2 or threads.count < 2 or any(r.job.draws.seen for r in requests)
    spread = map if alone else threads.map
    outcomes = spread(_execute, [[requests[i] for i in share] for share in shares])
    return {
        i: outcome
        for share, share_outcomes in zip(shares, outcomes, strict=True)
        for i, outcome in zip(share, share_outcomes, strict=True)
    }


def _execute_with_draws(request: UpdateRequest) -> StepOutput | Exception:
    """Execute an update that was refused because it draws; no weights have changed yet."""
    request.job.draws.seen = True
    return _execute([request])[0]


def _result(outcome: StepOutput | Exception, train_s: float) -> UpdateResult | Exception:
    if isinstance(outcome, Exception):
        return outcome
    return UpdateResult(outcome.value, outcome.state, train_s)


def _split_for_threads(requests: Sequence[UpdateRequest], count: int) -> Iterator[list[int]]:
    """Yield the indices of requests that are executed together, in shares of equal size."""
    for group in _group_by_shape(requests):
        parts = min(count, len(group), _useful_splits([requests[i].job for i in group]))
        edges = [len(group) * part // parts for part in range(parts + 1)]
        yield from (group[first:last] for first, last in pairwise(edges))


def _useful_splits(jobs: Sequence[Job]) -> int:
    """Return into how many parts splitting a stacked update still pays off.

    Its parts share every operation's overhead, which Python gives to one thread at a time; two
    threads gain only where operations are long.
    """
    return max(1, int(sum(job.step_flops for job in jobs) / _LONG_FLOPS))


def _group_by_shape(requests: Sequence[UpdateRequest]) -> Iterator[list[int]]:
    """Yield the indices of requests whose updates can be stacked."""
    groups: dict[object, list[int]] = {}
    for i, request in enumerate(requests):
        # a captured graph has the optimizers of one stage
        states = ((s.shape, s.dtype) for s in request.state)
        shapes = (request.job.stage, request.batch.form(), *states)
        single = request.job.stacked_forward is None or request.job.draws.seen
        groups.setdefault(i if single else shapes, []).append(i)
    yield from groups.values()


def _execute(requests: Sequence[UpdateRequest]) -> Sequence[StepOutput | Exception]:
    job = requests[0].job
    if not job.draws.must_be_refused:
        job.draws.seed(job.seed, "update", requests[0].step)
    outputs = attempt(job.strategy, requests)
    if isinstance(outputs, PartialFailureError):
        return outputs.outcomes
    if not isinstance(outputs, Exception):
        return outputs
    # no weights have changed yet, so each can still be executed by itself
    return [outputs] if len(requests) == 1 else [_execute([request])[0] for request in requests]
