"""What a checkpoint holds, and how it must agree with itself and with the run that it restores."""

from collections.abc import Mapping, Sequence
from math import inf, isnan
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.models import SequenceModel
from urnn_bench.run import optimizer_state

# 1 had no such key
FORMAT = 2

_Count = Annotated[int, Field(ge=0, lt=2**63)]
_LONGEST_FAULT = 200


class _Part(BaseModel):
    """A part of a checkpoint: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True
    )


class Position(_Part):
    """The fields of a ``TrainState``."""

    step: _Count
    train_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    evaluated: bool
    ended: tuple[Literal["done", "solved", "diverged"], str] | None
    loss_sum: float | Tensor
    loss_count: _Count
    # checkpoints of before these were counted have neither
    nonfinite_norms: _Count | Tensor = 0
    nonfinite_norm_step: _Count | None = None
    solved_step: _Count | None
    best_step: _Count
    best_value: Annotated[float, Field(allow_inf_nan=True)]
    best_weights: dict[str, Tensor]
    state: tuple[Tensor, ...]

    def train_state(self) -> TrainState:
        """Return the training state."""
        return TrainState(**{name: getattr(self, name) for name in type(self).model_fields})


class Checkpoint(_Part):
    """The content of a checkpoint; ``lengths`` are those of the run's files, in bytes."""

    format: Annotated[int, Field(ge=1, le=FORMAT)] = 1
    identity: str
    lengths: dict[str, _Count]
    position: Position
    model: dict[str, Tensor]
    optimizer: dict[str, Any]


def parse(value: object) -> Checkpoint:
    """Return the content of a checkpoint; raise ValidationError."""
    return Checkpoint.model_validate(value)


def fault(error: Exception) -> str:
    """Return what is wrong in a few words."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:_LONGEST_FAULT]


def mismatch(content: Checkpoint, job: Job) -> str:
    """Return in what a checkpoint is not of a job, or contradicts itself; "" if in nothing."""
    position, weights = content.position, job.model.state_dict()
    if not _are_alike(content.model, weights):
        return "other weights"
    if position.best_weights and not _are_alike(position.best_weights, weights):
        return "other best weights"
    if not _is_possible(position, job):
        return "an impossible position"
    stage = job.at(position.step)
    if not _is_state_of(position.state, stage, position.step):
        return "another hidden state"
    return optimizer_state.mismatch(content.optimizer, stage, position.step - stage.start)


def _are_alike(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        _is_dense(found[name]) and _form(found[name]) == _form(expected[name]) for name in found
    )


def _form(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype


def _is_dense(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu"


def _is_possible(position: Position, job: Job) -> bool:
    """Return whether training could have come to a position."""
    step, steps, ended = position.step, job.end, position.ended
    earlier = (position.best_step, position.loss_count, position.solved_step or 0)
    if max(earlier) > step or step > steps or not _is_number(position.loss_sum):
        return False
    if not _are_possible_norms(position):
        return False
    is_scored = position.best_value < inf
    if not position.evaluated or isnan(position.best_value):
        return False
    if is_scored != bool(position.best_weights):
        return False
    return _has_ended_rightly(position, ended[0], job) if ended else step < steps


def _are_possible_norms(position: Position) -> bool:
    count, step = position.nonfinite_norms, position.step
    if isinstance(count, Tensor):
        if not _is_dense(count) or _form(count) != (torch.Size(), torch.int64):
            return False
        count = int(count)
    return 0 <= count <= step and (position.nonfinite_norm_step or 0) <= step


def _has_ended_rightly(position: Position, ending: str, job: Job) -> bool:
    if ending == "solved":
        return bool(job.fit.solved and job.fit.solved.stop) and position.solved_step is not None
    return ending == "diverged" or position.step == (0 if job.solve else job.end)


def _is_number(value: float | Tensor) -> bool:
    if isinstance(value, float):
        return True
    return _is_dense(value) and value.shape == () and value.is_floating_point()


def _is_state_of(state: Sequence[Tensor], job: Job, step: int) -> bool:
    """Return whether the next batch can continue from a hidden state."""
    # a stage begins with the initial state, wherever its data are
    begins = 0 < step == job.start
    is_carried = not begins and job.task.carries_state("train", step, job.fit.batch)
    if not is_carried or not isinstance(job.model, SequenceModel):
        return bool(state) == is_carried
    initial = job.model.cell.initial_state(job.fit.batch)
    return len(state) == len(initial) and all(
        _is_dense(found) and found.shape == first.shape and _is_kind_of(found, first, job)
        for found, first in zip(state, initial, strict=True)
    )


def _is_kind_of(found: Tensor, first: Tensor, job: Job) -> bool:
    """Return whether a state has the run's precision, or whole numbers if its first value has."""
    if first.is_floating_point() or first.is_complex():
        return found.dtype.to_real() == job.dtype
    return not (found.is_floating_point() or found.is_complex())
