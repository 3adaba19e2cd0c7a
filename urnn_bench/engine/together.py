"""The updates that several runs have come to, carried out at once where their batches allow.

What a run learns does not depend on which others it is carried out with: only the work is shared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
