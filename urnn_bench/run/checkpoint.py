"""Everything the next update depends on, written and restored exactly.

Batches are functions of the seed and the update's number, so no random state is kept.
"""

import io
import pickle
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import RecordsError
from urnn_bench.files import write_atomically

_KEYS = {"identity", "lengths", "position", "model", "optimizer"}


def save(
    path: Path, job: Job, train_state: TrainState, identity: str, lengths: dict[str, int]
) -> None:
    """Replace the checkpoint; ``lengths`` are those of the run's files at this moment, in bytes."""
    content = {
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


def load(path: Path, identity: str) -> dict[str, Any]:
    """Read a checkpoint on the CPU; raise RecordsError if it is damaged or of another run."""
    damaged = f"{path}: the checkpoint is damaged; start this run again with --force"
    try:
        # torch does not look at the checksums that its zip file holds
        with ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise RecordsError(damaged)
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, BadZipFile, zlib.error, pickle.UnpicklingError) as error:
        raise RecordsError(damaged) from error
    if not isinstance(content, dict) or content.keys() != _KEYS:
        raise RecordsError(damaged)
    if content["identity"] != identity:
        raise RecordsError(f"{path}: the checkpoint is of another run; start again with --force")
    return content


def restore(content: dict[str, Any], job: Job) -> TrainState:
    """Put weights and optimizer state back, and return the position."""
    job.model.load_state_dict(content["model"])
    job.optimizer.load_state_dict(here(content["optimizer"], job.optimizer))
    return TrainState(**content["position"])


def here(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimizer's state with ``capturable`` as the device has it that it goes on on.

    Where steps are counted is decided by it while a state is loaded.
    """
    groups = zip(state["param_groups"], optimizer.param_groups, strict=True)
    here = [
        {**saved, **({"capturable": own["capturable"]} if "capturable" in own else {})}
        for saved, own in groups
    ]
    return {**state, "param_groups": here}
