"""What a training run is made of, and one update of it: forward, backward, clip, descend."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from urnn_bench import optim
from urnn_bench.spec.schema import Fit
from urnn_bench.tasks.base import Batch, Task

State = tuple[Tensor, ...]


class Descent(Protocol):
    """A way to carry out one update; ``name`` and ``reason`` go into the record."""

    @property
    def name(self) -> str:
        """What this way is called."""

    @property
    def reason(self) -> str:
        """Why updates are carried out in this way."""

    @property
    def warm_up(self) -> int:
        """How many updates say nothing of the pace of those that follow."""

    def __call__(self, job: "Job", batch: Batch, state: State) -> tuple[Tensor, State]:
        """Update the weights; return the loss and the last state, valid until the next call."""


@dataclass(frozen=True)
class Eager:
    """Operation after operation."""

    reason: str = ""
    name: str = "eager"
    warm_up: int = 1

    def __call__(self, job: "Job", batch: Batch, state: State) -> tuple[Tensor, State]:
        """Update the weights; return the loss and the last state."""
        return descend(job, batch, state)


def _ignored(step: int) -> None:
    """Take no notice of an update."""


@dataclass(frozen=True)
class Job:
    """A network, what it is to learn, and how; ``updated`` is told the number of every update."""

    model: nn.Module
    task: Task
    optimizer: torch.optim.Optimizer
    fit: Fit
    seed: int
    descent: Descent = field(default_factory=Eager)
    updated: Callable[[int], None] = _ignored


def descend(job: Job, batch: Batch, state: State) -> tuple[Tensor, State]:
    """Update the weights by BPTT through one batch; return the loss and the last state.

    It asks nothing of the host, so that a GPU never waits for it.
    """
    output, last = job.model(batch.x, state)
    loss = job.task.loss(output, batch)
    job.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optim.clip(job.model.parameters(), job.fit.clip)
    job.optimizer.step()
    return loss.detach(), tuple(s.detach() for s in last)
