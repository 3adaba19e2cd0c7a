"""One training step: forward, backward, clip, optimizer step, of one run or of a stack.

The runs of a stack have networks of one form, which are computed together. T steps, B batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from urnn_bench.engine import optim
from urnn_bench.engine.draws import DrawnError, Draws, checked_batch_of, refuse_draws
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import attempt
from urnn_bench.spec.fit import Fit
from urnn_bench.tasks.base import Batch, Task

State = tuple[Tensor, ...]


class StepOutput(NamedTuple):
    """A network's output, or its loss, and the last hidden state."""

    value: Tensor
    state: State


class StackedForward(NamedTuple):
    """How the networks of a stack are computed, each on its own batch from its own state.

    ``run`` returns an output and a last state for each, of inputs, states and lengths, None where
    all sequences have as many steps. ``is_independent`` says whether no output
    depends on what belongs to another network.
    """

    run: Callable[
        [Sequence[Any], Sequence[Tensor], Sequence[State], Sequence[Tensor | None]],
        list[tuple[Tensor, State]],
    ]
    is_independent: Callable[[Sequence[Any], Sequence[Tensor], Sequence[State]], bool]


class PartialFailureError(Exception):
    """Some updates of a stack raised after others were done: ``outcomes`` has one for each."""

    def __init__(self, outcomes: Sequence[StepOutput | Exception]) -> None:
        super().__init__("some updates of a stack failed")
        self.outcomes = [*outcomes]


class UpdateStrategy(Protocol):
    """A way to execute updates; ``name`` and ``reason`` go into the record."""

    @property
    def name(self) -> str:
        """Its name in the record."""

    @property
    def reason(self) -> str:
        """Why updates are executed in this way."""

    @property
    def warm_up_updates(self) -> int:
        """How many first updates are slower than those that follow."""

    def __call__(self, requests: Sequence["UpdateRequest"]) -> list[StepOutput]:
        """Update the weights of every run; return losses and last states.

        They are valid until the next call.
        """


@dataclass(frozen=True)
class Eager:
    """Operation after operation."""

    reason: str = ""
    name: str = "eager"
    warm_up_updates: int = 1

    def __call__(self, requests: Sequence["UpdateRequest"]) -> list[StepOutput]:
        """Update the weights; return losses and last states."""
        return train_step(requests)


class FeatureSource(Protocol):
    """Features that are known already, in the place of the sequences that they are computed of."""

    def batch(self, index: int, batch: Batch) -> Batch:
        """Return batch ``index`` of training with features in the place of x."""

    def evaluated(self, index: int, batch: Batch) -> Batch:
        """Return batch ``index`` of validation with features in the place of x."""

    def forward(self, features: Tensor, state: State, /) -> tuple[Tensor, State]:
        """Return the outputs of features, and no state."""


def _ignore(step: int) -> None:
    """Do nothing at the end of an update."""


@dataclass(frozen=True)
class Job:
    """A network, its task, and how it is trained; ``on_update_end`` gets each update's number.

    With ``solve`` the network is fitted by one call instead of updates; it returns how, in words.
    With ``features`` updates begin at the features of the cell, which does not change.

    With ``stacked_forward`` the network can be computed in a stack; ``step_flops`` is then what one
    time step of its batch costs, forward.

    Training in stages is the job of the last one, with those of the ``earlier`` ones in order. They
    share the network. ``start`` updates and ``start_examples`` sequences come before a stage.
    """

    model: nn.Module
    task: Task
    optimizer: torch.optim.Optimizer
    fit: Fit
    seed: int
    strategy: UpdateStrategy = field(default_factory=Eager)
    on_update_end: Callable[[int], None] = _ignore
    stacked_forward: StackedForward | None = None
    step_flops: float = 0.0
    draws: Draws = field(default_factory=Draws)
    norm_check: optim.NormCheck = field(default_factory=optim.NormCheck)
    solve: Callable[[], str] | None = None
    features: FeatureSource | None = None
    stage: str = ""
    start: int = 0
    start_examples: int = 0
    earlier: tuple["Job", ...] = ()

    @property
    def end(self) -> int:
        """The number of updates after which the job, or its stage, is done."""
        return self.start + self.fit.steps

    def at(self, step: int) -> "Job":
        """Return the stage that the update after ``step`` updates belongs to."""
        return next((job for job in self.earlier if step < job.end), self)

    def examples(self, step: int) -> int:
        """Return how many sequences were in the first ``step`` updates, which end in this stage."""
        return self.start_examples + (step - self.start) * self.fit.batch

    @property
    def device(self) -> torch.device:
        """Where the network's parameters are."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the network's parameters."""
        return next(self.model.parameters()).dtype


@dataclass(frozen=True)
class UpdateRequest:
    """The next update of a run: its batch, the hidden state to begin with, and its number."""

    job: Job
    batch: Batch
    state: State
    step: int = 0


def draw_request(job: Job, state: TrainState) -> UpdateRequest:
    """Draw the batch of a run's next update; the time counts as training."""
    began_s = perf_counter()
    batch = checked_batch_of(job.model, job.task, "train", state.step, job.fit.batch, job.seed)
    batch = batch.to(job.device, job.dtype)
    if job.features is not None:
        batch = job.features.batch(state.step, batch)
    # truncated BPTT: the next batch of a text goes on from the last hidden state
    hidden = tuple(s.to(job.device) for s in state.state)
    state.train_s += perf_counter() - began_s
    return UpdateRequest(job, batch, hidden, state.step)


def train_step(requests: Sequence[UpdateRequest]) -> list[StepOutput]:
    """Update the weights by BPTT through one batch each; return losses and last states.

    It asks nothing of the host, so a GPU never waits for it. Raises what an update raises before
    any weights have changed, and PartialFailureError if some updates of a stack fail afterwards.
    """
    outputs = backward(requests)
    if len(requests) == 1:
        _descend(requests[0])
        return outputs
    failures = [attempt(_descend, request) for request in requests]
    if any(failure is not None for failure in failures):
        pairs = zip(failures, outputs, strict=True)
        outcomes = [output if failure is None else failure for failure, output in pairs]
        raise PartialFailureError(outcomes)
    return outputs


def _descend(request: UpdateRequest) -> None:
    job = request.job
    norm = optim.clip(job.model.parameters(), job.fit.clip)
    if norm is not None:
        job.norm_check.update(norm)
    if job.fit.schedule is None:
        job.optimizer.step()
        return
    with optim.scaled_rates(job.optimizer, job.fit.rate_share(request.step - job.start)):
        job.optimizer.step()


def backward(requests: Sequence[UpdateRequest]) -> list[StepOutput]:
    """Leave the loss's gradient in every parameter; return losses and last states.

    Raises DrawnError if a component draws random numbers while several runs share generators.
    """
    draws = requests[0].job.draws
    if not draws.must_be_refused:
        return _backward(requests)
    put_back = buffers_of(requests)
    try:
        return refuse_draws(draws, lambda: _backward(requests))
    except DrawnError:
        put_back()
        raise


def buffers_of(requests: Sequence[UpdateRequest]) -> Callable[[], None]:
    """Return a function that puts the buffers back as they are now, such as running means."""
    modules = [module for request in requests for module in request.job.model.modules()]
    # by name too: a cell may put another tensor in the place of a buffer
    slots = [(m, name, b) for m in modules for name, b in m.named_buffers(recurse=False)]
    values = [buffer.clone() for _, _, buffer in slots]

    def put_back() -> None:
        with torch.no_grad():
            for (module, name, buffer), value in zip(slots, values, strict=True):
                setattr(module, name, buffer)
                buffer.copy_(value)

    return put_back


def _backward(requests: Sequence[UpdateRequest]) -> list[StepOutput]:
    outputs = _forward(requests)
    losses = [
        request.job.task.loss(output.value, request.batch)
        for request, output in zip(requests, outputs, strict=True)
    ]
    for request in requests:
        request.job.optimizer.zero_grad()
    torch.autograd.backward(losses)
    return [
        StepOutput(loss.detach(), tuple(s.detach() for s in output.state))
        for loss, output in zip(losses, outputs, strict=True)
    ]


def _forward(requests: Sequence[UpdateRequest]) -> list[StepOutput]:
    stacked_forward = requests[0].job.stacked_forward
    if len(requests) == 1 or stacked_forward is None:
        return [StepOutput(*_forward_alone(request)) for request in requests]
    runs = ((r.job.model, r.batch.x, r.state, r.batch.lengths) for r in requests)
    return [StepOutput(*output) for output in stacked_forward.run(*zip(*runs, strict=True))]


def _forward_alone(request: UpdateRequest) -> tuple[Tensor, State]:
    features = request.job.features
    if features is not None:
        return features.forward(request.batch.x, request.state)
    return output_of(request.job.model, request.batch, request.state)


def output_of(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """Return a network's output for a batch and its last state."""
    # a network that knows of no lengths trains on tasks that have none
    ends = () if batch.lengths is None else (batch.lengths,)
    output, last = model(batch.x, state, *ends)
    return output, last
