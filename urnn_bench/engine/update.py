"""What a training run is made of, and one update of it: forward, backward, clip, descend.

An update is of one run, or of several at once whose networks have the same form.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from urnn_bench.engine import optim
from urnn_bench.spec.fit import Fit
from urnn_bench.tasks.base import Batch, Task

State = tuple[Tensor, ...]
# the output of a network, or the loss, and the last state
Result = tuple[Tensor, State]
Outcome = Result | Exception


class Beside(NamedTuple):
    """How networks of one form are computed at once, each on its batch from its state.

    ``answers`` returns outputs and last states; ``apart`` says whether none depends on what belongs
    to another network.
    """

    answers: Callable[[Sequence[Any], Sequence[Tensor], Sequence[State]], list[Result]]
    apart: Callable[[Sequence[Any], Sequence[Tensor], Sequence[State]], bool]


class SomeFailedError(Exception):
    """Of several updates some raised and others are done: what came of each."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__("some updates of several failed")
        self.outcomes = [*outcomes]


class Descent(Protocol):
    """A way to carry out updates; ``name`` and ``reason`` go into the record."""

    @property
    def name(self) -> str:
        """What this way is called."""

    @property
    def reason(self) -> str:
        """Why updates are carried out in this way."""

    @property
    def warm_up(self) -> int:
        """How many updates say nothing of the pace of those that follow."""

    def __call__(self, dues: Sequence["Due"]) -> list[Result]:
        """Update the weights of every run whose update is due.

        Return its loss and its last state, valid until the next call.
        """


@dataclass(frozen=True)
class Eager:
    """Operation after operation."""

    reason: str = ""
    name: str = "eager"
    warm_up: int = 1

    def __call__(self, dues: Sequence["Due"]) -> list[Result]:
        """Update the weights; return losses and last states."""
        return descend(dues)


def _ignored(step: int) -> None:
    """Take no notice of an update."""


@dataclass(frozen=True)
class Job:
    """A network, what it is to learn, and how; ``on_update_end`` is told each update's number.

    With ``beside`` it can be computed with others of the same form at once; ``step_flops`` is then
    what a step in time costs, forward.
    """

    model: nn.Module
    task: Task
    optimizer: torch.optim.Optimizer
    fit: Fit
    seed: int
    descent: Descent = field(default_factory=Eager)
    on_update_end: Callable[[int], None] = _ignored
    beside: Beside | None = None
    step_flops: float = 0.0


@dataclass(frozen=True)
class Due:
    """An update that a run has come to: whose, on which batch, and the state to begin with."""

    job: Job
    batch: Batch
    state: State


def descend(dues: Sequence[Due]) -> list[Result]:
    """Update the weights by BPTT through one batch each; return losses and last states.

    It asks nothing of the host, so that a GPU never waits for it. What one raises before any
    weights have changed is raised here, and SomeFailedError afterwards.
    """
    found = gradients(dues)
    outcomes: list[Outcome] = [*found]
    for place, due in enumerate(dues):
        try:
            optim.clip(due.job.model.parameters(), due.job.fit.clip)
            due.job.optimizer.step()
        except Exception as error:
            if len(dues) == 1:
                raise
            outcomes[place] = error
    if any(isinstance(outcome, Exception) for outcome in outcomes):
        raise SomeFailedError(outcomes)
    return found


def gradients(dues: Sequence[Due]) -> list[Result]:
    """Leave the loss's gradient with every parameter; return losses and last states."""
    outputs = _outputs(dues)
    losses = [
        due.job.task.loss(output, due.batch) for due, (output, _) in zip(dues, outputs, strict=True)
    ]
    for due in dues:
        due.job.optimizer.zero_grad()
    torch.autograd.backward(losses)
    return [
        (loss.detach(), tuple(s.detach() for s in last))
        for loss, (_, last) in zip(losses, outputs, strict=True)
    ]


def _outputs(dues: Sequence[Due]) -> list[Result]:
    beside = dues[0].job.beside
    if len(dues) == 1 or beside is None:
        return [due.job.model(due.batch.x, due.state) for due in dues]
    models = [due.job.model for due in dues]
    return beside.answers(models, [due.batch.x for due in dues], [due.state for due in dues])
