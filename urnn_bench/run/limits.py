"""The least memory that a run takes, and whether it is free; nothing is drawn or allocated for it.

A batch of B sequences, of at least T steps each, takes at least these numbers of 4 or 8 bytes:

    B · T · (F + H) + B · S · O

F inputs of a step (a token is one-hot), H hidden units, O outputs, S = T if every step is scored
and S = 1 if only the last is. An evaluation and the probes take no less, with their own B and T,
as far as the split has so many sequences. The weights take

    P · (3 + K)

P trainable parameters, their gradients, their best values so far, and K more of the optimizer. A
run needs both for training. It may take much more, such as for the extras of a batch, so what
passes can still be too large.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Literal, NamedTuple

import torch

from urnn_bench.errors import ComponentError, TooLargeError
from urnn_bench.machine import memory
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.device import device_of
from urnn_bench.spec.fit import Adam, Optimizer, Rmsprop, RmspropPaper, Sgd
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Targets, Task

# more batches of validation or test than anyone could wait for
_MOST_BATCHES = 10**9
_BYTES = {"float32": 4, "float64": 8}
_OPTIMIZER_COPIES = {RmspropPaper: 1, Rmsprop: 1, Adam: 2, Sgd: 0}
_GB = 10**9
# a size that is so many times smaller than the largest is not the one to lower
_SMALL = 100


class _Need(NamedTuple):
    """What is held at one time, in bytes, and the sizes to make smaller, by their names."""

    what: str
    needed: int
    sizes: dict[str, int]
    factors: frozenset[str] = frozenset()  # names of those that all of it is a multiple of


def require_memory(components: Components, run: Run, device: str) -> None:
    """Raise TooLargeError with the sizes to lower if a run cannot fit into the free memory.

    Raises ComponentError if its task or cell cannot be built, or a split has too many batches.
    """
    for part in run.parts:
        _require_memory(components, part, device)


def _require_memory(components: Components, run: Run, device: str) -> None:
    task, free = build.task_of(components, run), _free(device_of(device))
    text = f"the task '{run.task.name}' cannot say how large its batches are"
    longer = build.evaluation_tasks(components, run)
    for need in raised_by(text, list, chain(_batches(task, run), _evaluations(longer, run))):
        _compare(need, free)
    _compare(_weights(components, run), free)


def require_memory_for(steps: int, batch: int, hidden: int, device: str) -> None:
    """Raise TooLargeError if the hidden states of a batch alone do not fit in float64."""
    text = (
        f"a batch of {_number(batch)} sequences of {_number(steps)} steps with "
        f"{_number(hidden)} hidden units"
    )
    sizes = {"--batch": batch, "--steps": steps, "--hidden": hidden}
    need = _Need(text, steps * batch * hidden * _BYTES["float64"], sizes)
    _compare(need, _free(device_of(device)))


def require_memory_of_forward(
    steps: int, batch: int, inputs: int, hidden: int | None, device: str
) -> None:
    """Raise TooLargeError if a batch's inputs, and its states over time, do not fit in float32.

    ``hidden`` is None if the last state alone is made.
    """
    text = f"a batch of {_number(batch)} sequences of {_number(steps)} steps with "
    text += f"{_number(inputs)} input{'s' if inputs > 1 else ''}"
    sizes = {"--batch": batch, "--steps": steps}
    if hidden is not None:
        text += f" and {_number(hidden)} hidden units"
        sizes["--hidden"] = hidden
    needed = steps * batch * (inputs + (hidden or 0)) * _BYTES["float32"]
    _compare(_Need(text, needed, sizes), _free(device_of(device)))


def _compare(need: _Need, free: int) -> None:
    if need.needed > free:
        raise TooLargeError(
            f"{need.what} needs at least {_number(need.needed // _GB)} GB, and "
            f"{_number(free // _GB)} GB are free; lower {' or '.join(_to_lower(need, free))}"
        )


def _to_lower(need: _Need, free: int) -> list[str]:
    """Return the names of sizes that are large, or that would do alone, the largest first."""
    large = max(need.sizes.values()) // _SMALL
    names = [
        name
        for name, size in need.sizes.items()
        if size > large or (name in need.factors and need.needed <= free * size)
    ]
    return sorted(names, key=lambda name: -need.sizes[name])


def _batches(task: Task, run: Run) -> Iterator[_Need]:
    """Yield the batch of an update, of an evaluation and of the probes."""
    yield _batch(task, run, "a batch", {"--batch": run.fit.batch}, {"--T": run.T})
    size = task.evaluation_batch(run.fit.evaluate_batch)
    for split in ("validation", "test"):
        _check_count(task, split, size)
        sequences = {"fit.evaluate_batch": _at_most(task, split, size)}
        yield _batch(task, run, f"a {split} batch", sequences, {"--T": run.T})
    if run.probes:
        sequences = {"probes.batch": _at_most(task, "validation", run.probes.batch)}
        steps = {"probes.T": run.probes.T or run.T}
        yield _batch(task, run, "a probed batch", sequences, steps)


def _evaluations(tasks: Mapping[int, Task], run: Run) -> Iterator[_Need]:
    """Yield the batch of the test at every other length."""
    for T, task in tasks.items():
        size = task.evaluation_batch(run.fit.evaluate_batch)
        _check_count(task, "test", size)
        sequences = {"fit.evaluate_batch": _at_most(task, "test", size)}
        yield _batch(task, run, "a test batch", sequences, {"evaluate.T": T})


def _batch(
    task: Task, run: Run, name: str, sequences: dict[str, int], steps: dict[str, int]
) -> _Need:
    signature = task.signature
    (batch,), (length,) = sequences.values(), steps.values()
    inputs, outputs = signature.inputs.width, signature.outputs
    scored = length if signature.targets is Targets.EVERY_STEP else 1
    each = task.sequences_per_example * batch
    numbers = each * length * (inputs + run.hidden) + each * scored * outputs
    of_step = {"hidden": run.hidden, "the task's inputs": inputs, "the task's outputs": outputs}
    text = f"{name} of {_number(each)} sequences at T = {_number(length)}"
    if max(of_step.values()) > max(batch, length):
        text += (
            f", with {_number(inputs)} inputs, {_number(run.hidden)} hidden units and "
            f"{_number(outputs)} outputs,"
        )
    sizes = {**sequences, **steps, **of_step}
    return _Need(text, numbers * _BYTES[run.fit.dtype], sizes, frozenset(sequences))


def _weights(components: Components, run: Run) -> _Need:
    parameters = build.count_parameters(components, run)
    copies = 3 + _copies(run.fit.optimizer)
    text = f"a network of {_number(parameters)} parameters"
    return _Need(text, parameters * copies * _BYTES[run.fit.dtype], {"hidden": run.hidden})


def _copies(optimizer: Optimizer) -> int:
    return _OPTIMIZER_COPIES[type(optimizer)]


def _check_count(task: Task, split: Literal["validation", "test"], size: int) -> None:
    count = task.batches(split, size)
    if count is not None and count > _MOST_BATCHES:
        raise ComponentError(
            f"scoring {split} takes {_number(count)} batches of {_number(size)} sequences, and "
            f"more than {_number(_MOST_BATCHES)} would never end; make the split smaller"
        )


def _at_most(task: Task, split: Literal["validation", "test"], size: int) -> int:
    """Return how many of ``size`` sequences a split has, as far as the task says."""
    return min(size, task.batches(split, 1) or size)


def _free(device: torch.device) -> int:
    """Return the free memory of a device in bytes, that of this process with its swap space."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory.free_with_swap()


def _number(value: int) -> str:
    """Return a whole number for people; one of many digits by its power of ten."""
    return f"{value:,}" if value < _MANY else f"1e{len(str(value)) - 1}"


_MANY = 10**15
