"""Everything the next update depends on, written and restored exactly.

Batches are functions of the seed and the update's number, so no random state is kept.
"""

import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from urnn_bench.engine.gradient import Job, Position
from urnn_bench.errors import RecordsError
from urnn_bench.files import write_atomically


def save(path: Path, job: Job, position: Position, identity: str, metrics_bytes: int) -> None:
    """Replace the checkpoint; ``metrics_bytes`` is the length of metrics.csv at this moment."""
    content = {
        "identity": identity,
        "metrics_bytes": metrics_bytes,
        "position": asdict(position),
        "model": job.model.state_dict(),
        "optimizer": job.optimizer.state_dict(),
    }
    write_atomically(path, lambda file: torch.save(content, file))


def load(path: Path, identity: str) -> dict[str, Any]:
    """Read a checkpoint on the CPU; raise RecordsError if it is damaged or of another run."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = content["identity"]
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).split("\n")[0].split(". ")[0]
        text = f"{path}: the checkpoint is damaged ({reason}); start this run again with --force"
        raise RecordsError(text) from error
    if found != identity:
        raise RecordsError(f"{path}: the checkpoint is of another run; start again with --force")
    return content


def restore(content: dict[str, Any], job: Job) -> Position:
    """Put weights and optimizer state back, and return the position."""
    job.model.load_state_dict(content["model"])
    job.optimizer.load_state_dict(content["optimizer"])
    return Position(**content["position"])
