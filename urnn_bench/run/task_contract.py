"""What a user's task returns, checked on one batch before anything is trained. T steps, B batch."""

from collections.abc import Mapping
from dataclasses import replace
from math import isclose
from numbers import Real

import torch
from torch import Tensor

from urnn_bench.errors import ComponentError
from urnn_bench.events import SPLITS
from urnn_bench.run.contract_text import (
    call,
    dtype_text,
    is_same,
    kind_of,
    require_tensor,
    shape_text,
    wrong,
)
from urnn_bench.tasks.base import (
    Batch,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Task,
    Tokens,
    extra_axis,
)

_LONGEST = 60
# relative, of a loss whose targets have changed places
_ROUNDING = 1e-6


def check_batch(name: str, task: Task, batch: Batch, again: Batch, size: int) -> None:
    """Raise ComponentError if a batch has not the form that the task's signature says.

    One that is drawn has as many sequences as were asked for.
    """
    if not isinstance(task.signature, Signature):
        raise wrong(
            name, "signature", kind_of(task.signature), "it must return a Signature", "task"
        )
    if not isinstance(batch, Batch):
        raise wrong(name, "batch", kind_of(batch), "it must return a Batch", "task")
    for tensor in batch.tensors():
        require_tensor(name, "batch", tensor, "task")
    _check_inputs(name, task.signature, batch.x)
    axis = task.signature.targets.batch_axis
    if batch.y.ndim <= axis or batch.y.shape[axis] != batch.x.shape[1]:
        form = "(B, ...)" if task.signature.targets is Targets.LAST_STEP else "(T, B, ...)"
        wanted = f"they must be {form} with the {batch.x.shape[1]} sequences of x"
        raise wrong(name, "batch", f"targets of shape {shape_text(batch.y.shape)}", wanted, "task")
    if isinstance(task, SyntheticTask) and batch.x.shape[1] != size:
        found = f"{batch.x.shape[1]} sequences"
        raise wrong(name, "sample", found, f"it was asked for {size}", "task")
    _check_extras(name, batch)
    _check_feedback(name, task, len(batch.x), size)
    if not _are_same(batch, again):
        raise ComponentError(
            f"the task '{name}' returns another batch for the same arguments; draw it from the "
            "generator that `sample` is given"
        )


def _check_feedback(name: str, task: Task, steps: int, size: int) -> None:
    """Raise ComponentError if no step is left that reads an input, or a state would be no use."""
    feedback = task.signature.feedback_steps
    if feedback >= steps:
        raise ComponentError(
            f"the task '{name}' has {feedback} `feedback_steps` in a sequence of {steps}; they "
            "must be fewer, as the first step reads an input"
        )
    if feedback and any(task.carries_state(split, 1, size) for split in SPLITS[1:]):
        raise ComponentError(
            f"the task '{name}' has `feedback_steps` and carries states over, and the state after "
            "them is not that of the inputs; let `carries_state` return False"
        )


def _check_extras(name: str, batch: Batch) -> None:
    """Raise ComponentError unless the batch is in the first axis (B) or in the second."""
    for label, extra in batch.extras.items():
        if not extra.ndim or extra.shape[extra_axis(extra)] != batch.x.shape[1]:
            found = f"the extra '{label}' of shape {shape_text(extra.shape)}"
            wanted = f"it must be (B), (T, B, ...) or (1, B, ...), here B = {batch.x.shape[1]}"
            raise wrong(name, "batch", found, wanted, "task")


def _are_same(one: Batch, two: Batch) -> bool:
    is_alike = one.extras.keys() == two.extras.keys()
    return is_alike and all(map(is_same, one.tensors(), two.tensors()))


def check_scores(name: str, task: Task, output: Tensor, batch: Batch) -> Tensor:
    """Return the loss of an output (B, O).

    Raises ComponentError if it or the scores are not what they must be.
    """
    if task.signature.targets is Targets.EVERY_STEP:
        output = output.expand(len(batch.x), *output.shape).contiguous()
    loss = require_tensor(name, "loss", call(name, task.loss, output, batch, kind="task"), "task")
    if loss.ndim or not loss.is_floating_point():
        wanted = "it must return one number, a mean over the batch"
        raise wrong(name, "loss", f"a tensor of shape {shape_text(loss.shape)}", wanted, "task")
    if not loss.requires_grad:
        found, wanted = "a number without a gradient", "compute it from the output by torch alone"
        raise wrong(name, "loss", found, wanted, "task")
    _check_pairs(name, task, output.detach(), batch)
    scores = call(name, task.scores, output.detach(), batch, kind="task")
    _check_form_of_scores(name, scores, float(loss.detach()))
    means = {key: total / weight if weight else 0.0 for key, (total, weight) in scores.items()}
    missing = [metric for metric in task.metrics if metric not in task.finalise_metrics(means)]
    if missing:
        found = f"{', '.join(scores) or 'nothing'}"
        wanted = f"`metrics` also names {', '.join(missing)}"
        raise wrong(name, "scores", found, wanted, "task")
    return loss


def check_splits(name: str, task: Task, size: int) -> None:
    """Raise ComponentError if validation or test has no end or no batch, or metrics no names."""
    if isinstance(task.metrics, str) or not task.metrics:
        raise ComponentError(
            f"the task '{name}' has the `metrics` {task.metrics!r}; name at least the loss, such "
            'as metrics = ("mse",)'
        )
    for split in SPLITS[1:]:
        count = call(name, task.batches, split, size, kind="task")
        if not isinstance(count, int) or count < 1:
            wanted = "it must be a whole number of batches, at least one"
            raise wrong(name, "batches", f"{count!r} for the split '{split}'", wanted, "task")


def check_held_out(name: str, task: Task, batch: Batch, size: int) -> None:
    """Raise ComponentError if the first batch of validation has no sequence, or too few."""
    count = batch.x.shape[1]
    wanted = min(size, task.batches("validation", 1) or size)
    if isinstance(task, SyntheticTask) and count != wanted:
        raise wrong(
            name,
            "sample",
            "another number of sequences than it was asked for",
            "it must return `count` of them",
            "task",
        )
    if not count:
        raise wrong(name, "batch", "no sequence for the split 'validation'", "give it one", "task")


def check_baselines(name: str, task: Task) -> None:
    """Raise ComponentError unless baselines are numbers by metric and name."""
    baselines = call(name, task.baselines, kind="task")
    if not isinstance(baselines, Mapping) or not all(map(_has_numbers, baselines.values())):
        wanted = "it must return numbers by metric and name, such as {'mse': {'mean': 1.0}}"
        raise wrong(name, "baselines", repr(baselines)[:_LONGEST], wanted, "task")


def _has_numbers(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(v, Real) for v in values.values())


def _check_pairs(name: str, task: Task, output: Tensor, batch: Batch) -> None:
    """Raise ComponentError if the loss compares every output with every target.

    Shapes such as (B, 1) and (B) do so silently. Then targets may change places, and the loss
    stays as it is.
    """
    axis = task.signature.targets.batch_axis
    rolled = replace(batch, y=batch.y.roll(1, axis))
    # no two outputs may be equal
    output = output + torch.linspace(0.1, 1, output.numel()).to(output).view_as(output)
    one, two = (float(task.loss(output, given)) for given in (batch, rolled))
    differs = batch.y.is_floating_point() and batch.y.shape != output.shape
    if differs and not is_same(batch.y, rolled.y) and isclose(one, two, rel_tol=_ROUNDING):
        shapes = f"{shape_text(output.shape)} and {shape_text(batch.y.shape)}"
        raise ComponentError(
            f"the task '{name}': `loss` compares every output with every target, as their shapes "
            f"are {shapes}; give both one shape"
        )


def _check_form_of_scores(name: str, scores: object, loss: float) -> None:
    """Raise ComponentError unless scores are sums with their weights, by the metrics' names."""
    if not isinstance(scores, Mapping) or not all(map(_is_score, scores.values())):
        wanted = "it must return {metric: Score(total, weight)} with plain numbers"
        raise wrong(name, "scores", repr(scores)[:_LONGEST], wanted, "task")
    for metric, (total, weight) in scores.items():
        if weight > 1 and total == loss != 0:
            found = f"the mean loss as the total of '{metric}', with the weight {weight:g}"
            raise wrong(name, "scores", found, "a total is a sum: mean times weight", "task")


def _is_score(value: object) -> bool:
    return isinstance(value, Score) and all(isinstance(part, Real) for part in value)


def _check_inputs(name: str, signature: Signature, x: Tensor) -> None:
    """Raise ComponentError unless tokens are integers (T, B), and vectors real (T, B, F)."""
    width = signature.inputs.width
    if isinstance(signature.inputs, Tokens):
        is_right, form = x.ndim == 2 and not x.is_floating_point(), "integers (T, B)"
    else:
        is_right = x.ndim == 3 and x.shape[-1] == width and x.is_floating_point()
        form = f"real numbers (T, B, {width})"
    if not is_right:
        found = f"inputs of shape {shape_text(x.shape)} and type {dtype_text(x)}"
        raise wrong(name, "batch", found, f"the signature says {form}", "task")
    if isinstance(signature.inputs, Tokens) and not bool(((x >= 0) & (x < width)).all()):
        found = f"tokens from {int(x.min())} to {int(x.max())}"
        raise wrong(name, "batch", found, f"they must be below the vocabulary of {width}", "task")
