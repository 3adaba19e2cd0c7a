"""Exact averages of a task's scores over a split."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from urnn_bench.engine.draws import Draws, checked_batch_of
from urnn_bench.engine.update import FeatureSource, output_of
from urnn_bench.events import SplitName
from urnn_bench.random_streams import seed_globals
from urnn_bench.tasks.base import Task


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Let a network neither drop nor keep at random, and put every module's mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@torch.no_grad()
def evaluate(
    model: nn.Module,
    task: Task,
    split: SplitName,
    size: int,
    seed: int,
    draws: Draws | None = None,
    features: FeatureSource | None = None,
) -> dict[str, float]:
    """Return the mean of every score over all batches of ``split``, ``size`` sequences each if
    the task takes any number.

    With ``features`` what is known of validation is not computed again. The network is in
    evaluation mode meanwhile. Raises ValueError for a split without end.
    """
    with evaluation_mode(model):
        known = features if split == "validation" else None
        return _mean_scores(model, task, split, size, seed, draws or Draws(), known)


def _mean_scores(
    model: nn.Module,
    task: Task,
    split: SplitName,
    size: int,
    seed: int,
    draws: Draws,
    features: FeatureSource | None,
) -> dict[str, float]:
    size = task.evaluation_batch(size)
    count = task.batches(split, size)
    if count is None:
        raise ValueError(f"the split '{split}' has no end to evaluate to")
    like = next(model.parameters())
    state: tuple[Tensor, ...] = ()
    totals: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for index in range(count):
        batch = checked_batch_of(model, task, split, index, size, seed)
        batch = batch.to(like.device, like.dtype)
        if draws.possible:
            seed_globals(seed, "evaluate", split, index)
        state = state if task.carries_state(split, index, size) else ()
        if features is None:
            output, state = output_of(model, batch, state)
        else:
            batch = features.evaluated(index, batch)
            output, state = features.forward(batch.x, state)
        for name, score in task.scores(output, batch).items():
            totals[name] += score.total
            weights[name] += score.weight
    return task.finalise_metrics({name: totals[name] / weights[name] for name in totals})
