"""Updates on a GPU as one launch: captured as a CUDA graph, then replayed.

An update of a recurrent network is thousands of small operations one after the other, and what a
GPU waits for is their launches. The first updates with batches of a shape are carried out one
operation at a time, which makes the optimizer's state and the kernels' tables; the next one is
captured, with batch, states and loss at fixed places; so is one of several runs at once. Whatever
cannot be captured is carried out as before, and the record says why.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from urnn_bench.engine.update import Due, Result, descend
from urnn_bench.tasks.base import Batch

# as many as torch's documentation asks for
_WARM_UP = 3
_MOST_RECORDINGS = 4
Recorder = Callable[[Callable[[], None]], Callable[[], None]]


def cuda_graph(body: Callable[[], None]) -> Callable[[], None]:
    """Return a function that does again on the current CUDA device what ``body`` does there."""
    graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph, stream=_stream()):
            body()
    finally:
        # a capture that fails leaves its own stream behind as the current one
        torch.cuda.set_stream(before)
    return graph.replay


@cache
def _stream() -> torch.cuda.Stream:
    """Return the one stream for what is captured and for what comes before: each keeps memory."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


class Captured:
    """One update as the replay of a recording, a recording for every shape of batch and state."""

    def __init__(self, record: Recorder = cuda_graph) -> None:
        self._record, self._refused = record, ""
        self._seen: Counter[Any] = Counter()
        self._recordings: dict[Any, _Recording] = {}

    @property
    def name(self) -> str:
        """What is done with most updates; nothing is captured in the first of them."""
        return "captured" if self._recordings else "eager"

    @property
    def reason(self) -> str:
        """Why updates are not captured, if they are not."""
        if self._recordings:
            return "the device is a GPU"
        return self._refused or "no more updates than come before a capture"

    @property
    def warm_up(self) -> int:
        """One without a state, those before the capture with one, and that of the capture."""
        return _WARM_UP + 2

    def __call__(self, dues: Sequence[Due]) -> list[Result]:
        """Update the weights; return losses and last states, overwritten by the next call."""
        shape = tuple((id(due.job.model), *map(_form, _given(due))) for due in dues)
        self._seen[shape] += 1
        if self._refused or self._seen[shape] <= _WARM_UP:
            return _beside(dues)
        if shape not in self._recordings and not self._recorded(shape, dues):
            return descend(dues)
        return self._recordings[shape](dues)

    def _recorded(self, shape: Any, dues: Sequence[Due]) -> bool:
        """Record an update, which is not carried out; return whether that was possible."""
        # those of a stack that a run has left since would keep their memory
        while len(self._recordings) >= _MOST_RECORDINGS:
            del self._recordings[next(iter(self._recordings))]
        try:
            self._recordings[shape] = _Recording(dues, self._record)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            first = str(_root(error)).splitlines()[0]
            self._refused = f"an update cannot be captured: {first}"
        return not self._refused


class _Recording:
    """An update that reads and writes the same memory every time."""

    def __init__(self, dues: Sequence[Due], record: Recorder) -> None:
        self._dues = [_fixed(due) for due in dues]
        self._again = record(self._body)

    def _body(self) -> None:
        self._results = descend(self._dues)

    def __call__(self, dues: Sequence[Due]) -> list[Result]:
        for fixed, new in zip(self._dues, dues, strict=True):
            for place, value in zip(_given(fixed), _given(new), strict=True):
                place.copy_(value)
        self._again()
        return self._results


def _given(due: Due) -> tuple[Tensor, ...]:
    """Return what is new in every update: batch and state."""
    return (due.batch.x, due.batch.y, *due.state)


def _form(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype


def _fixed(due: Due) -> Due:
    """Return an update with memory of its own for what is new in every one."""
    batch = Batch(due.batch.x.clone(), due.batch.y.clone())
    return replace(due, batch=batch, state=tuple(s.clone() for s in due.state))


def _root(error: BaseException) -> BaseException:
    """Return what an update raised, which the end of the capture raises again as something else."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _beside(dues: Sequence[Due]) -> list[Result]:
    """Carry out an update on a stream of its own, as one that is captured later has to be."""
    if not dues[0].batch.x.is_cuda:
        return descend(dues)
    stream = _stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        results = descend(dues)
    torch.cuda.current_stream().wait_stream(stream)
    return results
