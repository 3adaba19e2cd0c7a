"""A network whose readout is solved in closed form: its features, gathered once, and its targets.

T steps, B batch, R features, O outputs, N sequences or steps.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from urnn_bench.engine.draws import checked_batch_of
from urnn_bench.engine.evaluate import evaluation_mode
from urnn_bench.errors import ComponentError
from urnn_bench.events import SplitName
from urnn_bench.kernels.time_loop import State
from urnn_bench.models import SequenceModel
from urnn_bench.random_streams import seed_globals
from urnn_bench.readouts.base import Examples, SolvedReadout
from urnn_bench.spec.fit import Fit
from urnn_bench.tasks.base import Batch, Task, step_mask


def solve(model: SequenceModel, readout: SolvedReadout, task: Task, fit: Fit, seed: int) -> str:
    """Solve the readout of a network; return how, in words.

    The training examples are those of the batches that updates would have seen, each once: at most
    ``fit.steps`` batches, and at most one pass through a training set that has an end. Steps after
    the end of a sequence, or that a mask leaves out, are none of them. A cell that draws random
    numbers in updates does so in training examples, each batch from a stream of its own.
    """
    counts = {"train": _training_batches(task, fit), "validation": _validation_batches(task, fit)}
    with evaluation_mode(model), torch.no_grad():
        train, validation = (
            _examples(model, task, split, *counts[split], seed) for split in _SPLITS
        )
        return readout.solve(train, validation)


_SPLITS: tuple[SplitName, ...] = ("train", "validation")


def _training_batches(task: Task, fit: Fit) -> tuple[int, int]:
    """Return how many batches there are to train on, and their size."""
    examples = task.training_examples()
    return fit.steps if examples is None else min(fit.steps, examples // fit.batch), fit.batch


def _validation_batches(task: Task, fit: Fit) -> tuple[int, int]:
    size = task.evaluation_batch(fit.evaluate_batch)
    return task.batches("validation", size) or 0, size


def _examples(
    model: SequenceModel, task: Task, split: SplitName, count: int, size: int, seed: int
) -> Iterator[Examples]:
    """Yield the features (N, R) and targets (N, O) of every batch of a split, in float64."""
    like = next(model.parameters())
    state: State = ()
    for index in range(count):
        batch = checked_batch_of(model, task, split, index, size, seed)
        state = state if task.carries_state(split, index, size) else ()
        batch = batch.to(like.device, like.dtype)
        _set_draws(model, split, index, seed)
        features, state = model.features(batch.x, state, batch.lengths)
        wanted = targets(task, batch.y, features.shape[:-1])
        counts = _counts(batch, features)
        yield _rows(features, counts), _rows(wanted, counts)


def _set_draws(model: SequenceModel, split: SplitName, index: int, seed: int) -> None:
    """Let cells that draw do so for a batch of training, as in an update; dropout stays off."""
    drawing = [part for part in model.cell.parts if part.draws]
    for part in drawing:
        part.train(split == "train")
    if drawing:
        seed_globals(seed, "solve", split, index)


def _counts(batch: Batch, features: Tensor) -> Tensor | None:
    """Return which steps of the features (T, B, R) count, None if all do or T is no axis."""
    return step_mask(batch) if features.ndim > 2 and batch.extras else None


def _rows(tensor: Tensor, counts: Tensor | None) -> Tensor:
    rows = tensor.flatten(0, -2) if counts is None else tensor[counts]
    return rows.to("cpu", torch.float64)


def targets(task: Task, y: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the targets (..., O) of outputs with such axes, of a class a row of zeros and a one.

    Raises ComponentError if a task's targets are neither classes nor vectors of outputs.
    """
    outputs = task.signature.outputs
    if not y.is_floating_point() and y.shape == axes:
        return one_hot(y, outputs)
    if y.is_floating_point() and y.numel() == outputs * torch.Size(axes).numel():
        return y.reshape(*axes, outputs)
    name = type(task).__module__.rpartition(".")[2]
    raise ComponentError(
        f"the targets of the task '{name}' are neither classes nor vectors of {outputs}, which a "
        "readout in closed form needs; take another readout"
    )
