"""Updates on a GPU as one launch: captured as a CUDA graph, then replayed.

An update of a recurrent network is thousands of small operations in a row, and a GPU mostly waits
for their launches. The first updates with batches of a shape run eagerly, which makes the
optimizer's state and the kernels' tables. The next one is captured, with batch, states and loss at
fixed addresses. An update of a stack is captured in the same way. What cannot be captured runs
eagerly, and the record says why.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from urnn_bench.engine.draws import DRAWS
from urnn_bench.engine.update import StepOutput, UpdateRequest, train_step
from urnn_bench.random_streams import global_states

# before a capture; torch's documentation wants at least three
_EAGER_UPDATES = 3
_MAX_GRAPHS = 4
Capture = Callable[[Callable[[], object]], Callable[[], None]]
Key = tuple[object, ...]


def cuda_graph(body: Callable[[], object]) -> Callable[[], None]:
    """Capture ``body`` on the current CUDA device; return the function that replays it."""
    graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph, stream=_stream()):
            body()
    finally:
        # a capture that fails leaves its own stream behind as the current one
        torch.cuda.set_stream(before)
    return graph.replay


def cuda_graph_of(body: Callable[[], object]) -> Callable[[], None]:
    """Run ``body`` a few times on the current CUDA device, then capture it.

    Raises RuntimeError if it cannot be captured.
    """
    with _side_stream():
        for _ in range(_EAGER_UPDATES):
            body()
    return cuda_graph(body)


@cache
def _stream() -> torch.cuda.Stream:
    """Return the one stream for captures and the updates before them: each stream keeps memory."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


class CudaGraphUpdates:
    """A strategy that replays a CUDA graph, one graph for every shape of batch and state."""

    def __init__(self, capture: Capture = cuda_graph) -> None:
        self._capture_graph, self._refusal = capture, ""
        self._seen: Counter[Key] = Counter()
        self._graphs: dict[Key, _Graph] = {}

    @property
    def name(self) -> str:
        """How most updates run; the first ones run eagerly."""
        return "captured" if self._graphs else "eager"

    @property
    def reason(self) -> str:
        """Why updates are not captured, if they are not."""
        if self._graphs:
            return "the device is a GPU"
        return self._refusal or "no more updates than come before a capture"

    @property
    def warm_up_updates(self) -> int:
        """The one without a hidden state, the eager ones with it, and the capture."""
        return _EAGER_UPDATES + 2

    def __call__(self, requests: Sequence[UpdateRequest]) -> list[StepOutput]:
        """Update the weights; return losses and last states, overwritten by the next call."""
        shape = tuple(
            (id(request.job.model), request.batch.form(), *map(_shape_and_type, request.state))
            for request in requests
        )
        self._seen[shape] += 1
        if self._refusal or self._seen[shape] <= _EAGER_UPDATES:
            return self._execute_eagerly(requests)
        if shape not in self._graphs and not self._capture(shape, requests):
            return train_step(requests)
        return self._graphs[shape](requests)

    def _execute_eagerly(self, requests: Sequence[UpdateRequest]) -> list[StepOutput]:
        if self._refusal or not requests[0].job.draws.possible:
            return _on_side_stream(requests)
        before = global_states()
        results = _on_side_stream(requests)
        if global_states() != before:
            # a replay would repeat what was drawn on the CPU
            self._refusal = f"an update cannot be captured: {DRAWS}"
        return results

    def _capture(self, shape: Key, requests: Sequence[UpdateRequest]) -> bool:
        """Capture an update without running it; return whether that was possible."""
        # the graphs of a stack before a run left it would keep their memory
        while len(self._graphs) >= _MAX_GRAPHS:
            del self._graphs[next(iter(self._graphs))]
        try:
            self._graphs[shape] = _Graph(requests, self._capture_graph)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            first = str(_root(error)).splitlines()[0]
            self._refusal = f"an update cannot be captured: {first}"
        return not self._refusal


class _Graph:
    """An update that reads and writes the same memory every time."""

    def __init__(self, requests: Sequence[UpdateRequest], capture: Capture) -> None:
        self._requests = [_with_own_memory(request) for request in requests]
        self._replay = capture(self._body)

    def _body(self) -> None:
        self._results = train_step(self._requests)

    def __call__(self, requests: Sequence[UpdateRequest]) -> list[StepOutput]:
        for own, new in zip(self._requests, requests, strict=True):
            for tensor, value in zip(_new_tensors(own), _new_tensors(new), strict=True):
                tensor.copy_(value)
        self._replay()
        return self._results


def _new_tensors(request: UpdateRequest) -> tuple[Tensor, ...]:
    """Return the tensors that change from update to update: batch and hidden state."""
    return (*request.batch.tensors(), *request.state)


def _shape_and_type(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype


def _with_own_memory(request: UpdateRequest) -> UpdateRequest:
    """Return a request whose batch and state have memory of their own, which a graph reads."""
    batch = request.batch.map(torch.clone)
    return replace(request, batch=batch, state=tuple(s.clone() for s in request.state))


def _root(error: BaseException) -> BaseException:
    """Return the first exception; the end of a failed capture hides it behind its own."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _on_side_stream(requests: Sequence[UpdateRequest]) -> list[StepOutput]:
    """Run an update on the side stream, as torch wants it before a capture."""
    if not requests[0].batch.x.is_cuda:
        return train_step(requests)
    with _side_stream():
        return train_step(requests)


@contextmanager
def _side_stream() -> Iterator[None]:
    """Let the current stream wait for what is done on the side stream, and the other way round."""
    stream = _stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)
