"""The first gradients of a stack, compared with those of each run trained alone.

A step of a user's cell may depend on more than its arguments, such as on a parameter that
``weights`` does not return; in a stack it would then read another run's.
"""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import torch
from torch import Tensor

from urnn_bench.engine.draws import DRAWS, Draws
from urnn_bench.engine.update import (
    Job,
    PartialFailureError,
    StepOutput,
    UpdateRequest,
    UpdateStrategy,
    backward,
    buffers_of,
)
from urnn_bench.errors import attempt

# of the largest gradient: far above rounding, which a long recurrence lets grow, and far below
# the error of a gradient that went to another model
_TOLERANCE = {torch.float32: 1e-2, torch.float64: 1e-6}


class CheckedStack:
    """A strategy that stacks updates only if the first stacked gradients are those of each run."""

    def __init__(self, strategy: UpdateStrategy, draws: Draws | None = None) -> None:
        self._strategy, self._draws = strategy, draws or Draws()
        self._reason_not_to_stack: str | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The name of the strategy."""
        return self._strategy.name

    @property
    def reason(self) -> str:
        """Why updates are executed in this way, and why they are not stacked if they are not."""
        not_stacked = f"not stacked: {DRAWS}" if self._draws.seen else self._reason_not_to_stack
        return "; ".join(filter(None, (self._strategy.reason, not_stacked)))

    @property
    def warm_up_updates(self) -> int:
        """How many first updates are slower than those that follow."""
        return self._strategy.warm_up_updates

    def __call__(self, requests: Sequence[UpdateRequest]) -> list[StepOutput]:
        """Update the weights; return losses and last states, or raise PartialFailureError."""
        if len(requests) > 1:
            # another thread with other runs of this stack may be checking as well
            with self._lock:
                if self._reason_not_to_stack is None:
                    put_back = buffers_of(requests)
                    self._reason_not_to_stack = _reason_not_to_stack(requests)
                    put_back()
        if len(requests) == 1 or self._reason_not_to_stack == "":
            return self._strategy(requests)
        return self._sequentially(requests)

    def _sequentially(self, requests: Sequence[UpdateRequest]) -> list[StepOutput]:
        outcomes = [attempt(self._single, request) for request in requests]
        outputs = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
        if len(outputs) < len(outcomes):
            raise PartialFailureError(outcomes)
        return outputs

    def _single(self, request: UpdateRequest) -> StepOutput:
        return self._strategy([request])[0]


def share_strategy(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs of a stack with one strategy, which checks that they can be stacked."""
    if len(jobs) < 2:
        return [*jobs]
    draws = replace(jobs[0].draws, is_stack=True)
    stages = zip(*(job.earlier for job in jobs), strict=True)
    shared = zip(*(_with_strategy(stage, draws) for stage in stages), strict=True)
    # without stages there is nothing to share before the last one
    earlier = [*shared] or [()] * len(jobs)
    last = _with_strategy(jobs, draws)
    return [replace(job, earlier=tuple(e)) for job, e in zip(last, earlier, strict=True)]


def _with_strategy(jobs: Sequence[Job], draws: Draws) -> list[Job]:
    strategy = CheckedStack(jobs[0].strategy, draws)
    return [replace(job, strategy=strategy, draws=draws) for job in jobs]


def _reason_not_to_stack(requests: Sequence[UpdateRequest]) -> str | None:
    """Return why these updates must not be stacked, the empty text if they may be.

    None if one of them raises even by itself: that is raised again when it is executed.
    """
    values = [buffer.clone() for buffer in _buffers(requests)]
    attempts = [attempt(_gradients, [request]) for request in requests]
    if not all(map(torch.equal, _buffers(requests), values)):
        return "not stacked: an update changes a buffer"
    unstacked = [gradients[0] for gradients in attempts if not isinstance(gradients, Exception)]
    if len(unstacked) < len(requests):
        return None
    reason = attempt(_difference, requests, unstacked)
    if isinstance(reason, Exception):
        first_sentence = str(reason).split(".")[0]
        return f"not stacked: the stack raises {type(reason).__name__}: {first_sentence}"
    return reason


def _buffers(requests: Sequence[UpdateRequest]) -> list[Tensor]:
    return [buffer for request in requests for buffer in request.job.model.buffers()]


def _difference(requests: Sequence[UpdateRequest], unstacked: Sequence[list[Tensor]]) -> str:
    """Return what makes the stack compute something different from its runs, or nothing."""
    stacked = _gradients(requests)
    if not _is_independent(requests):
        return "not stacked: its step reads more than its weights"
    pairs = zip(stacked, unstacked, strict=True)
    if not all(all(map(_is_close, gradients, single)) for gradients, single in pairs):
        return "not stacked: its gradients differ from those of single runs"
    return ""


def _is_independent(requests: Sequence[UpdateRequest]) -> bool:
    stacked_forward = requests[0].job.stacked_forward
    models, xs, states = zip(*((r.job.model, r.batch.x, r.state) for r in requests), strict=True)
    return stacked_forward is not None and stacked_forward.is_independent(models, xs, states)


def _gradients(requests: Sequence[UpdateRequest]) -> list[list[Tensor]]:
    """Return a copy of the gradient of every parameter of every run."""
    backward(requests)
    return [_gradient_snapshot(request) for request in requests]


def _gradient_snapshot(request: UpdateRequest) -> list[Tensor]:
    params = request.job.model.parameters()
    return [(torch.zeros_like(p) if p.grad is None else p.grad).clone() for p in params]


def _is_close(gradient: Tensor, expected: Tensor) -> bool:
    finite = expected[expected.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    atol = _TOLERANCE[gradient.dtype] * largest
    return torch.allclose(gradient, expected, rtol=0.0, atol=atol, equal_nan=True)
