"""What a user's cell returns, checked on two steps before anything is trained.

A slip such as a missing comma would otherwise fail in a place that says nothing, or train
something else. The tests hold the built-in components to the same contracts. T steps, B batch.
"""

from collections.abc import Mapping, Sequence
from inspect import getattr_static
from numbers import Real

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.time_loop import Drive, State, unbind_steps
from urnn_bench.models import SequenceModel
from urnn_bench.run.contract_text import (
    call,
    dtype_text,
    is_same,
    kind_of,
    number_kind,
    require_tensor,
    shape_text,
    wrong,
)
from urnn_bench.run.readout_contract import check_output, require_parameter

STEPS = 2


def check_network(name: str, readout: str, model: SequenceModel, x: Tensor) -> Tensor:
    """Return the output (B, O) after two steps of a batch (T, B, ...).

    Raises ComponentError if a method of the cell or the readout returns something of the wrong
    form.
    """
    require_parameter(readout, model.readout)
    cell, inputs, size = model.cell, model.encode(x[:STEPS]), x.shape[1]
    weights = call(name, cell.weights)
    drive = check_drive(name, cell, inputs, weights)
    first = check_first_state(name, model, size)
    states = check_steps(name, cell, drive, first, weights)
    check_features(name, model, states[-1][0])
    output = check_output(readout, model, states)
    if not output.requires_grad:
        raise ComponentError(f"the cell '{name}' switches gradients off, so nothing is trained")
    return output


def check_drive(name: str, cell: Cell, inputs: Tensor, weights: object) -> Drive:
    """Return the drive of inputs (T, B, F); raise ComponentError if it has the wrong form."""
    drive: Drive = call(name, cell.drive, inputs, weights)
    _check_drive(name, drive, inputs)
    return drive


def check_first_state(name: str, model: SequenceModel, size: int) -> tuple[Tensor, ...]:
    """Return the state before the first step of ``size`` sequences; raise ComponentError."""
    first = state_of(name, "initial_state", call(name, model.cell.initial_state, size), size)
    _check_states(name, model.cell, len(first))
    require_precision(name, "initial_state", first, require_parameter("", model.readout).dtype)
    return first


def check_steps(
    name: str, cell: Cell, drive: Drive, first: tuple[Tensor, ...], weights: object
) -> list[State]:
    """Return the states after every step; raise ComponentError if one has the wrong form.

    A step that changes its arguments is wrong too, as they are read afterwards.
    """
    states: list[State] = [first]
    for u in unbind_steps(drive):
        arguments = {"drive": u, "state": states[-1], "weights": weights}
        values = copied(arguments)
        returned = _step(name, cell, u, states[-1], weights)
        state = state_of(name, "step", returned, len(first[0]))
        require_same_form(name, first, state)
        require_unchanged(name, arguments, values)
        states.append(state)
    check_flops(name, cell)
    return states[1:]


def require_unchanged(
    name: str,
    arguments: Mapping[str, object],
    values: Mapping[str, Sequence[Tensor]],
    kind: str = "cell",
) -> None:
    """Raise ComponentError unless the arguments of a step still have their values."""
    for what, argument in arguments.items():
        if not all(map(is_same, _tensors(argument), values[what])):
            raise ComponentError(
                f"the {kind} '{name}': `step` changes the {what} that it is given, which is "
                "read afterwards; return a new tensor, such as h * 0.9 for h.mul_(0.9)"
            )


def copied(arguments: Mapping[str, object]) -> dict[str, list[Tensor]]:
    """Return the values of the tensors of each argument."""
    return {
        what: [tensor.detach().clone() for tensor in _tensors(argument)]
        for what, argument in arguments.items()
    }


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _check_drive(name: str, drive: Drive, inputs: Tensor) -> None:
    """Raise ComponentError unless a drive is (T, B, ...), or a tree of tensors (T, ...)."""
    tensors = [require_tensor(name, "drive", leaf) for leaf in tree_leaves(drive)]
    if not tensors:
        raise wrong(name, "drive", "no tensor", "it must return at least one")
    # a tensor of a tree may be shared by the batch
    axes, begin = (2, "(T, B)") if tensors[0] is drive else (1, "(T)")
    for tensor in tensors:
        if tensor.shape[:axes] != inputs.shape[:axes]:
            found = f"a tensor of shape {shape_text(tensor.shape)}"
            wanted = f"it must begin with {begin}, here {shape_text(inputs.shape[:axes])}"
            raise wrong(name, "drive", found, wanted)


def _step(name: str, cell: Cell, u: Drive, state: State, weights: object) -> object:
    """Return what a step returns, given a plain tuple as it is when a sequence is continued."""
    try:
        return call(name, cell.step, u, state, weights)
    except ComponentError as error:
        if "tuple" not in str(error):
            raise
        advice = "states come as a plain tuple: unpack it, such as h, c = state"
        raise ComponentError(f"{error} ({advice})") from error.__cause__


def check_kept(name: str, model: SequenceModel) -> None:
    """Raise ComponentError if a cell keeps what a checkpoint or the run's precision cannot hold.

    The network is converted to that precision, which would drop imaginary parts.
    """
    for label, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise ComponentError(
                f"the cell '{name}': '{label}' in its state_dict is {kind_of(value)}; keep it in a "
                "buffer, which is a tensor"
            )
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
    if not all(is_same(value, values[key]) for key, value in one.state_dict().items()):
        raise ComponentError(
            f"the cell '{name}' starts from other weights for the same seed; draw them from the "
            "generators of torch, numpy.random or random, not from one of its own"
        )


def state_of(
    name: str, method: str, state: object, size: int, kind: str = "cell"
) -> tuple[Tensor, ...]:
    """Return a state if it is a tuple of tensors with ``size`` rows."""
    if isinstance(state, Tensor):
        found = f"a tensor of shape {shape_text(state.shape)}"
        wanted = "it must return a tuple, such as (h,): a comma is missing"
        raise wrong(name, method, found, wanted, kind)
    if not isinstance(state, Sequence) or not state:
        wanted = "it must return a tuple of tensors, such as (h,)"
        raise wrong(name, method, kind_of(state), wanted, kind)
    states = tuple(
        require_tensor(name, method, s, kind, f" at position {i}") for i, s in enumerate(state)
    )
    for s in states:
        if not s.ndim or s.shape[0] != size:
            found = f"a state of shape {shape_text(s.shape)}"
            raise wrong(name, method, found, f"each must be (B, H), here with B = {size}", kind)
    return states


def _check_states(name: str, cell: Cell, count: int) -> None:
    """Raise ComponentError unless every state has a name of its own, and one is memory."""
    states = cell.states
    if not isinstance(states, tuple) or not all(isinstance(s, StateSpec) for s in states):
        raise ComponentError(
            f"the cell '{name}': `states` is {kind_of(states)}; it must be a tuple of StateSpec, "
            'such as (StateSpec("h"), StateSpec("clock", memory=False))'
        )
    _check_names(name, cell, count)
    # not the first: that may be an output of others, as in a deep network
    if not any(state.memory for state in states):
        raise ComponentError(
            f"the cell '{name}' has no memory: `states` says so of each state; leave out "
            "memory=False where it is one"
        )


def _check_names(name: str, cell: Cell, count: int) -> None:
    names = tuple(state.name for state in cell.states)
    if isinstance(cell.state_names, str) or len(names) != count or len(set(names)) != count:
        declared = isinstance(getattr_static(cell, "states"), tuple)
        key, entry = ("states", 'StateSpec("{}")') if declared else ("state_names", '"{}"')
        found = names if declared else cell.state_names
        example = ", ".join(entry.format(letter) for letter in "hcmnpqrs"[:count])
        many = "states" if count > 1 else "state"
        raise ComponentError(
            f"the cell '{name}' has {count} {many} and the `{key}` {found!r}; give it a name for "
            f"each state, such as {key} = ({example}{',' * (count == 1)})"
        )


def require_precision(
    name: str, method: str, state: Sequence[Tensor], dtype: torch.dtype, kind: str = "cell"
) -> None:
    """Raise ComponentError if real states have another precision than the weights.

    Complex ones take that of what they are multiplied with.
    """
    for s in state:
        if s.is_floating_point() and s.dtype != dtype:
            found, weights = f"numbers of type {dtype_text(s)}", str(dtype).removeprefix("torch.")
            mend = "make them of a parameter, such as by self.w.new_zeros(batch, self.hidden)"
            raise wrong(name, method, found, f"the weights are {weights}: {mend}", kind)


def require_same_form(
    name: str,
    first: Sequence[Tensor],
    state: Sequence[Tensor],
    kind: str = "cell",
    source: str = "`initial_state` returned",
) -> None:
    """Raise ComponentError unless a step returns states of the form of the first ones."""
    if len(first) != len(state):
        found = f"{len(state)} states"
        raise wrong(name, "step", found, f"{source} {len(first)}", kind)
    for label, one, two in zip(range(len(first)), first, state, strict=True):
        if one.shape != two.shape or number_kind(one) != number_kind(two):
            found, wanted = (
                f"{number_kind(s)} numbers of shape {shape_text(s.shape)}" for s in (two, one)
            )
            where = f"state {label + 1}, {found}"
            raise wrong(name, "step", where, f"{source} {wanted}", kind)


def check_flops(name: str, cell: Cell) -> None:
    """Raise ComponentError unless the operations of a step are a number or not known."""
    flops = call(name, cell.flops)
    if flops is not None and not isinstance(flops, Real):
        raise wrong(name, "flops", kind_of(flops), "it must return a number or None")


def check_features(name: str, model: SequenceModel, h: Tensor) -> None:
    """Raise ComponentError unless the features of h (B, ...) are what the readout takes."""
    cell, dtype = model.cell, require_parameter("", model.readout).dtype
    features = call(name, cell.readout_features, h)
    features = require_tensor(name, "readout_features", features)
    if features.shape != (len(h), cell.features) or not features.is_floating_point():
        found = f"{number_kind(features)} numbers of shape {shape_text(features.shape)}"
        wanted = f"`features` says real numbers of shape {shape_text((len(h), cell.features))}"
        raise wrong(name, "readout_features", found, wanted)
    if features.dtype != dtype:
        found, wanted = f"numbers of type {dtype_text(features)}", str(dtype).removeprefix("torch.")
        raise wrong(name, "readout_features", found, f"the weights are {wanted}")
