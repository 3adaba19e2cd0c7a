"""What a user's cell and task return, checked on two steps before anything is trained.

A slip such as a missing comma would otherwise fail in a place that says nothing, or train
something else. The tests hold the built-in components to the same contracts. T steps, B batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.errors import ComponentError
from urnn_bench.models import SequenceModel
from urnn_bench.tasks.base import Batch, Signature, Targets, Task, Tokens

_STEPS = 2


def check_network(name: str, model: SequenceModel, x: Tensor) -> Tensor:
    """Return the output (B, O) after two steps of a batch (T, B, ...).

    Raises ComponentError if a method of the cell returns something of the wrong form.
    """
    cell, inputs = model.cell, model.encode(x[:_STEPS])
    weights, size = cell.weights(), x.shape[1]
    drive = _tensor(name, "drive", cell.drive(inputs, weights))
    if drive.shape[:2] != inputs.shape[:2]:
        wanted = f"it must begin with (T, B), here {_text(inputs.shape[:2])}"
        raise _wrong(name, "drive", f"a tensor of shape {_text(drive.shape)}", wanted)
    first = _state(name, "initial_state", cell.initial_state(size), size)
    _check_names(name, cell, len(first))
    state = first
    for u in drive.unbind(0):
        state = _state(name, "step", cell.step(u, state, weights), size)
        _check_same_form(name, first, state)
    _check_features(name, cell, state[0])
    return model.predict(state[0])


def check_real(name: str, model: SequenceModel) -> None:
    """Raise ComponentError if a parameter or a buffer is complex.

    A network is converted to the run's precision, which would drop imaginary parts.
    """
    tensors = (*model.cell.named_parameters(), *model.cell.named_buffers())
    for label, tensor in tensors:
        if tensor.is_complex():
            raise ComponentError(
                f"the cell '{name}': '{label}' is complex; keep its real and imaginary parts, and "
                "join them by torch.complex in `weights`"
            )


def check_same_start(name: str, one: SequenceModel, two: SequenceModel) -> None:
    """Raise ComponentError if two networks of one seed do not start from the same weights."""
    values = two.state_dict()
    if not all(_is_same(value, values[key]) for key, value in one.state_dict().items()):
        raise ComponentError(
            f"the cell '{name}' starts from other weights for the same seed; draw them from the "
            "generators of torch, numpy.random or random, not from one of its own"
        )


def check_batch(name: str, task: Task, batch: Batch, again: Batch) -> None:
    """Raise ComponentError if a batch has not the form that the task's signature says."""
    if not isinstance(task.signature, Signature):
        raise _wrong(name, "signature", _kind(task.signature), "it must return a Signature", "task")
    if not isinstance(batch, Batch):
        raise _wrong(name, "batch", _kind(batch), "it must return a Batch", "task")
    _check_inputs(name, task.signature, batch.x)
    axis = task.signature.targets.batch_axis
    if batch.y.ndim <= axis or batch.y.shape[axis] != batch.x.shape[1]:
        form = "(B, ...)" if task.signature.targets is Targets.LAST_STEP else "(T, B, ...)"
        wanted = f"they must be {form} with the {batch.x.shape[1]} sequences of x"
        raise _wrong(name, "batch", f"targets of shape {_text(batch.y.shape)}", wanted, "task")
    if not (_is_same(batch.x, again.x) and _is_same(batch.y, again.y)):
        raise ComponentError(
            f"the task '{name}' returns another batch for the same arguments; draw it from the "
            "generator that `sample` is given"
        )


def check_scores(name: str, task: Task, output: Tensor, batch: Batch) -> None:
    """Raise ComponentError if loss or scores of an output (B, O) are not what they must be."""
    if task.signature.targets is Targets.EVERY_STEP:
        output = output.expand(len(batch.x), *output.shape).contiguous()
    loss = _tensor(name, "loss", task.loss(output, batch), "task")
    if loss.ndim or not loss.is_floating_point():
        wanted = "it must return one number, a mean over the batch"
        raise _wrong(name, "loss", f"a tensor of shape {_text(loss.shape)}", wanted, "task")
    scores = task.scores(output.detach(), batch)
    means = {key: total / weight if weight else 0.0 for key, (total, weight) in scores.items()}
    missing = [metric for metric in task.metrics if metric not in task.finalise_metrics(means)]
    if missing:
        found = f"{', '.join(scores) or 'nothing'}"
        wanted = f"`metrics` also names {', '.join(missing)}"
        raise _wrong(name, "scores", found, wanted, "task")


def _check_inputs(name: str, signature: Signature, x: Tensor) -> None:
    """Raise ComponentError unless tokens are integers (T, B), and vectors real (T, B, F)."""
    width = signature.inputs.width
    if isinstance(signature.inputs, Tokens):
        is_right, form = x.ndim == 2 and not x.is_floating_point(), "integers (T, B)"
    else:
        is_right = x.ndim == 3 and x.shape[-1] == width and x.is_floating_point()
        form = f"real numbers (T, B, {width})"
    if not is_right:
        found = f"inputs of shape {_text(x.shape)} and type {_dtype(x)}"
        raise _wrong(name, "batch", found, f"the signature says {form}", "task")
    if isinstance(signature.inputs, Tokens) and not bool(((x >= 0) & (x < width)).all()):
        found = f"tokens from {int(x.min())} to {int(x.max())}"
        raise _wrong(name, "batch", found, f"they must be below the vocabulary of {width}", "task")


def _state(name: str, method: str, state: object, size: int) -> tuple[Tensor, ...]:
    """Return a state if it is a tuple of tensors with ``size`` rows."""
    if isinstance(state, Tensor):
        found = f"a tensor of shape {_text(state.shape)}"
        raise _wrong(
            name, method, found, "it must return a tuple, such as (h,): a comma is missing"
        )
    if not isinstance(state, Sequence) or not state:
        raise _wrong(name, method, _kind(state), "it must return a tuple of tensors, such as (h,)")
    states = tuple(_tensor(name, method, s, where=f" at position {i}") for i, s in enumerate(state))
    for s in states:
        if not s.ndim or s.shape[0] != size:
            found = f"a state of shape {_text(s.shape)}"
            raise _wrong(name, method, found, f"each must be (B, H), here with B = {size}")
    return states


def _check_names(name: str, cell: Cell, count: int) -> None:
    names = cell.state_names
    if isinstance(names, str) or len(names) != count:
        example = ", ".join(f'"{letter}"' for letter in "hcmnpqrs"[:count])
        raise ComponentError(
            f"the cell '{name}' has {count} states and the `state_names` {names!r}; give it a "
            f"name for each state, such as state_names = ({example}{',' * (count == 1)})"
        )


def _check_same_form(name: str, first: Sequence[Tensor], state: Sequence[Tensor]) -> None:
    if len(first) != len(state):
        found = f"{len(state)} states"
        raise _wrong(name, "step", found, f"`initial_state` returned {len(first)}")
    for label, one, two in zip(range(len(first)), first, state, strict=True):
        if one.shape != two.shape or _number(one) != _number(two):
            found, wanted = (f"{_number(s)} numbers of shape {_text(s.shape)}" for s in (two, one))
            where = f"state {label + 1}, {found}"
            raise _wrong(name, "step", where, f"`initial_state` returned {wanted}")


def _check_features(name: str, cell: Cell, h: Tensor) -> None:
    features = _tensor(name, "readout_features", cell.readout_features(h))
    if features.shape != (len(h), cell.features) or not features.is_floating_point():
        found = f"{_number(features)} numbers of shape {_text(features.shape)}"
        wanted = f"`features` says real numbers of shape {_text((len(h), cell.features))}"
        raise _wrong(name, "readout_features", found, wanted)


def _tensor(name: str, method: str, value: object, kind: str = "cell", where: str = "") -> Tensor:
    if not isinstance(value, Tensor):
        raise _wrong(name, method, f"{_kind(value)}{where}", "it must be a tensor", kind)
    return value


def _wrong(name: str, method: str, found: str, wanted: str, kind: str = "cell") -> ComponentError:
    return ComponentError(f"the {kind} '{name}': `{method}` returned {found}; {wanted}")


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _text(shape: Sequence[int]) -> str:
    return str(tuple(shape))


def _number(tensor: Tensor) -> str:
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "whole"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _is_same(one: Tensor, two: Tensor) -> bool:
    if one.shape != two.shape:
        return False
    return torch.allclose(one, two, rtol=0, atol=0, equal_nan=True)
