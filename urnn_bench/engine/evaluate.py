"""Exact averages of a task's scores over a split."""

from collections import defaultdict

import torch
from torch import Tensor, nn

from urnn_bench.events import SplitName
from urnn_bench.tasks.base import Task


@torch.no_grad()
def evaluate(
    model: nn.Module, task: Task, split: SplitName, size: int, seed: int
) -> dict[str, float]:
    """Return the mean of every score over all batches of ``split``, ``size`` sequences each if
    the task takes any number.

    Raises ValueError for a split without end.
    """
    size = task.evaluation_batch(size)
    count = task.batches(split, size)
    if count is None:
        raise ValueError(f"the split '{split}' has no end to evaluate to")
    like = next(model.parameters())
    state: tuple[Tensor, ...] = ()
    totals: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for index in range(count):
        batch = task.batch(split, index, size, seed).to(like.device, like.dtype)
        state = state if task.carries_state(split, index, size) else ()
        output, state = model(batch.x, state)
        for name, score in task.scores(output, batch).items():
            totals[name] += score.total
            weights[name] += score.weight
    return task.finalise_metrics({name: totals[name] / weights[name] for name in totals})
