"""Everything the next update depends on, written and restored exactly.

Batches are functions of the seed and the update's number, so no random state is kept.
"""

import io
import pickle
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import DamagedRecordError
from urnn_bench.files import write_atomically

OptimizerState = dict[str, Any]


class Checkpoint(TypedDict):
    """The content of a checkpoint; ``lengths`` are those of the run's files, in bytes."""

    identity: str
    lengths: dict[str, int]
    position: dict[str, Any]
    model: dict[str, Tensor]
    optimizer: OptimizerState


def save(
    path: Path, job: Job, train_state: TrainState, identity: str, lengths: dict[str, int]
) -> None:
    """Replace the checkpoint; ``lengths`` are those of the run's files now, in bytes."""
    content: Checkpoint = {
        "identity": identity,
        "lengths": lengths,
        "position": asdict(train_state),
        "model": job.model.state_dict(),
        "optimizer": job.optimizer.state_dict(),
    }
    # through memory: torch turns a full disk into an error of its own
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def load(path: Path, identity: str) -> Checkpoint:
    """Read a checkpoint on the CPU; raise DamagedRecordError if it is damaged or of another run."""
    damaged = f"{path}: the checkpoint is damaged"
    try:
        # torch does not look at the checksums that its zip file holds
        with ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise DamagedRecordError(damaged)
        content: Checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, BadZipFile, zlib.error, pickle.UnpicklingError) as error:
        raise DamagedRecordError(damaged) from error
    if not isinstance(content, dict) or content.keys() != Checkpoint.__required_keys__:
        raise DamagedRecordError(damaged)
    if content["identity"] != identity:
        raise DamagedRecordError(f"{path}: the checkpoint is of another run")
    return content


def restore(content: Checkpoint, job: Job) -> TrainState:
    """Restore weights and optimizer state; return the training state."""
    job.model.load_state_dict(content["model"])
    job.optimizer.load_state_dict(for_device_of(job.optimizer, content["optimizer"]))
    return TrainState(**content["position"])


def for_device_of(optimizer: torch.optim.Optimizer, state: OptimizerState) -> OptimizerState:
    """Return a stored optimizer state with the ``capturable`` of the optimizer that resumes it.

    While a state is loaded, that key decides whether steps are counted on the device.
    """
    groups = [
        {**stored, **{key: own[key] for key in ("capturable",) if key in own}}
        for stored, own in zip(state["param_groups"], optimizer.param_groups, strict=True)
    ]
    return {**state, "param_groups": groups}
