"""The updates that several runs have come to, carried out at once where their batches allow.

What a run learns does not depend on which others it is carried out with: only the work is shared.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

from urnn_bench.engine.descent import Due, State
from urnn_bench.engine.stopwatch import Stopwatch


@dataclass(frozen=True)
class Descended:
    """An update's loss and last state, valid until the next one, and its share of the time."""

    loss: Tensor
    state: State
    train_s: float


# an error is for the run whose update it is; nothing is what an event is answered with
Answer = Descended | Exception | None


def answered(dues: Sequence[Due]) -> list[Answer]:
    """Carry out every update that is due; return what came of each, in the order of ``dues``."""
    answers: dict[int, Answer] = {}
    for places in _alike(dues):
        found = _together([dues[place] for place in places])
        answers.update(zip(places, found, strict=True))
    return [answers[place] for place in range(len(dues))]


Result = TypeVar("Result")


def driven(runs: Sequence[Generator[Due, Answer, Result]]) -> list[Result]:
    """Drive runs to their ends, their updates at once, and return what they return.

    Whoever has ended leaves, and the others go on.
    """
    results: dict[int, Result] = {}
    answers: dict[int, Answer] = dict.fromkeys(range(len(runs)))
    while answers:
        dues = {}
        for place, answer in answers.items():
            try:
                dues[place] = runs[place].send(answer)
            except StopIteration as end:
                results[place] = end.value
        answers = dict(zip(dues, answered(list(dues.values())), strict=True))
    return [results[place] for place in range(len(runs))]


def _alike(dues: Sequence[Due]) -> Iterator[list[int]]:
    """Yield the places of updates that can be carried out at once."""
    groups: dict[Any, list[int]] = {}
    for place, due in enumerate(dues):
        tensors = (due.batch.x, due.batch.y, *due.state)
        alone = place if due.job.beside is None else None
        groups.setdefault((alone, *((t.shape, t.dtype) for t in tensors)), []).append(place)
    yield from groups.values()


def _together(dues: Sequence[Due]) -> Sequence[Answer]:
    watch = Stopwatch()
    try:
        with watch:
            found = dues[0].job.descent(dues)
    except Exception as error:  # noqa: BLE001 - a cell or task may raise anything
        return [error] if len(dues) == 1 else [_together([due])[0] for due in dues]
    return [Descended(loss, state, watch.total_s / len(dues)) for loss, state in found]
