"""The updates that several runs have come to, carried out at once where their batches allow.

What a run learns does not depend on which others it is carried out with: only the work is shared.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from torch import Tensor

from urnn_bench.engine.stopwatch import Stopwatch
from urnn_bench.engine.update import Due, Job, Outcome, Result, SomeFailedError, State


@dataclass(frozen=True)
class Descended:
    """An update's loss and last state, valid until the next one, and its share of the time."""

    loss: Tensor
    state: State
    train_s: float


# an error is for the run whose update it is; nothing is what an event is answered with
Answer = Descended | Exception | None


# of a step in time: measured on two cores, dtriv of 128 units gains and an LSTM of 40 does not
_LONG_FLOPS = 3e6

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Workers:
    """Who carries out updates: how many at the same time, and a map that gives them their work."""

    count: int = 1
    map: Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]] = map


def driven(
    runs: Sequence[Generator[Due, Answer, Returned]], workers: Workers | None = None
) -> list[Returned]:
    """Drive runs to their ends, their updates at once, and return what they return.

    Whoever has ended leaves, and the others go on.
    """
    returned: dict[int, Returned] = {}
    answers: dict[int, Answer] = dict.fromkeys(range(len(runs)))
    while answers:
        dues = {}
        for place, answer in answers.items():
            try:
                dues[place] = runs[place].send(answer)
            except StopIteration as end:
                returned[place] = end.value
        answers = dict(zip(dues, answered(list(dues.values()), workers), strict=True))
    return [returned[place] for place in range(len(runs))]


def answered(dues: Sequence[Due], workers: Workers | None = None) -> list[Answer]:
    """Carry out every update that is due; return what came of each, in the order of ``dues``."""
    workers, watch = workers or Workers(), Stopwatch()
    shares = list(_shares(dues, workers.count))
    # alone, an update may have all threads of its kernel
    spread = workers.map if len(shares) > 1 < workers.count else map
    with watch:
        outcomes = list(spread(_together, [[dues[place] for place in share] for share in shares]))
    found: dict[int, Answer] = {}
    for share, outcome in zip(shares, outcomes, strict=True):
        for place, each in zip(share, outcome, strict=True):
            done = each if isinstance(each, Exception) else _done(each, watch.total_s / len(dues))
            found[place] = done
    return [found[place] for place in range(len(dues))]


def _done(result: Result, train_s: float) -> Descended:
    loss, state = result
    return Descended(loss, state, train_s)


def _shares(dues: Sequence[Due], count: int) -> Iterator[list[int]]:
    """Yield the places of updates that are carried out at once, shared out evenly."""
    for group in _alike(dues):
        parts = min(count, len(group), _worth([dues[place].job for place in group]))
        edges = [len(group) * part // parts for part in range(parts + 1)]
        yield from (group[first:last] for first, last in pairwise(edges))


def _worth(jobs: Sequence[Job]) -> int:
    """Return how many parts are worth making of updates that are computed at once.

    They share every operation's overhead, which Python gives to one thread at a time; only where
    operations are long do two threads gain.
    """
    return max(1, int(sum(job.step_flops for job in jobs) / _LONG_FLOPS))


def _alike(dues: Sequence[Due]) -> Iterator[list[int]]:
    """Yield the places of updates that can be carried out at once."""
    groups: dict[Any, list[int]] = {}
    for place, due in enumerate(dues):
        tensors = (due.batch.x, due.batch.y, *due.state)
        form = place if due.job.beside is None else tuple((t.shape, t.dtype) for t in tensors)
        groups.setdefault(form, []).append(place)
    yield from groups.values()


def _together(dues: Sequence[Due]) -> list[Outcome]:
    try:
        return [*dues[0].job.descent(dues)]
    except SomeFailedError as failed:
        return failed.outcomes
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        # no weights have changed yet
        return [error] if len(dues) == 1 else [_together([due])[0] for due in dues]
