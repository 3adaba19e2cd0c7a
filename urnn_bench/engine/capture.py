"""Updates on a GPU as one launch: captured as a CUDA graph, then replayed.

An update of a recurrent network is thousands of small operations one after the other, and what a
GPU waits for is their launches. The first updates with batches of a shape are carried out one
operation at a time, which makes the optimizer's state and the kernels' tables; the next one is
captured, with batch, states and loss at fixed places. Whatever cannot be captured is carried out as
before, and the record says why.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from urnn_bench.engine.descent import Job, State, descend
from urnn_bench.tasks.base import Batch

# as many as torch's documentation asks for
_WARM_UP = 3
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

    def __call__(self, job: Job, batch: Batch, state: State) -> tuple[Tensor, State]:
        """Update the weights; return the loss and the last state, overwritten by the next call."""
        shape = tuple((t.shape, t.dtype) for t in (batch.x, batch.y, *state))
        self._seen[shape] += 1
        if self._refused or self._seen[shape] <= _WARM_UP:
            return _beside(job, batch, state)
        if shape not in self._recordings and not self._recorded(shape, job, batch, state):
            return descend(job, batch, state)
        return self._recordings[shape](batch, state)

    def _recorded(self, shape: Any, job: Job, batch: Batch, state: State) -> bool:
        """Record an update, which is not carried out; return whether that was possible."""
        try:
            self._recordings[shape] = _Recording(job, batch, state, self._record)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            first = str(_root(error)).splitlines()[0]
            self._refused = f"an update cannot be captured: {first}"
        return not self._refused


class _Recording:
    """An update that reads and writes the same memory every time."""

    def __init__(self, job: Job, batch: Batch, state: State, record: Recorder) -> None:
        self._batch = Batch(batch.x.clone(), batch.y.clone())
        self._state = tuple(s.clone() for s in state)
        self._again = record(lambda: self._body(job))

    def _body(self, job: Job) -> None:
        self._result = descend(job, self._batch, self._state)

    def __call__(self, batch: Batch, state: State) -> tuple[Tensor, State]:
        given = (batch.x, batch.y, *state)
        for fixed, new in zip((self._batch.x, self._batch.y, *self._state), given, strict=True):
            fixed.copy_(new)
        self._again()
        return self._result


def _root(error: BaseException) -> BaseException:
    """Return what an update raised, which the end of the capture raises again as something else."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _beside(job: Job, batch: Batch, state: State) -> tuple[Tensor, State]:
    """Carry out an update on a stream of its own, as one that is captured later has to be."""
    if not batch.x.is_cuda:
        return descend(job, batch, state)
    stream = _stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        result = descend(job, batch, state)
    torch.cuda.current_stream().wait_stream(stream)
    return result
