"""Everything the next update depends on, written and restored exactly.

Batches are functions of the seed and the update's number, so no random state is kept.
"""

import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import torch
from torch import Tensor

from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import Job
from urnn_bench.errors import DamagedRecordError, attempt
from urnn_bench.files import read_bytes, write_atomically
from urnn_bench.run.checkpoint_content import FORMAT, Checkpoint, Position, fault, mismatch, parse
from urnn_bench.run.optimizer_state import for_device_of as for_device_of

# for a caller that does not know its network
_LIMIT_MB = 1024.0


def save(
    path: Path, job: Job, train_state: TrainState, identity: str, lengths: dict[str, int]
) -> None:
    """Replace the checkpoint; ``lengths`` are those of the run's files now, in bytes."""
    content = {
        "format": FORMAT,
        "identity": identity,
        "lengths": lengths,
        "position": _position(train_state),
        "model": job.model.state_dict(),
        "optimizer": job.at(train_state.step).optimizer.state_dict(),
    }
    # through memory: torch turns a full disk into an error of its own
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _position(train_state: TrainState) -> dict[str, Any]:
    """Return the fields of a training state, without counts that are 0 and may be missing.

    A version from before these counts can read the checkpoint then.
    """
    fields = Position.model_fields
    return {
        name: value
        for name, value in asdict(train_state).items()
        if fields[name].is_required() or isinstance(value, Tensor) or value
    }


def load(path: Path, identity: str, limit_mb: float = _LIMIT_MB) -> Checkpoint:
    """Read a checkpoint on the CPU; raise DamagedRecordError if it is damaged or of another run.

    One that is larger than ``limit_mb`` is damaged, and is not read.
    """
    value = attempt(_read, path, limit_mb)
    if isinstance(value, Exception):
        raise damaged(path, "cannot be read") from value
    if _is_newer(value):
        raise DamagedRecordError(f"{path}: the checkpoint is of a newer urnn-bench")
    content = attempt(parse, value)
    if isinstance(content, Exception):
        raise damaged(path, fault(content)) from content
    if content.identity != identity:
        raise DamagedRecordError(f"{path}: the checkpoint is of another run")
    return content


def restore(content: Checkpoint, job: Job, path: Path | None = None) -> TrainState:
    """Restore weights and optimizer state; return the training state.

    Raises DamagedRecordError, and changes nothing, if they are not those of the run's network.
    """
    text = attempt(mismatch, content, job)
    if text:
        raise damaged(path, str(text))
    optimizer = job.at(content.position.step).optimizer
    job.model.load_state_dict(content.model)
    optimizer.load_state_dict(for_device_of(optimizer, content.optimizer))
    return content.position.train_state()


def damaged(path: Path | None, what: str) -> DamagedRecordError:
    """Return the error of a checkpoint that cannot be used."""
    place = f"{path}: " if path else ""
    return DamagedRecordError(f"{place}the checkpoint is damaged or of another version ({what})")


def _is_newer(value: object) -> bool:
    number = value.get("format") if isinstance(value, Mapping) else None
    return isinstance(number, int) and number > FORMAT


def _read(path: Path, limit_mb: float) -> Any:
    """Return what a checkpoint holds; raise anything if it is damaged."""
    data = read_bytes(path, limit_mb)
    with ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        # torch compresses nothing, so what is unpacked cannot be larger than the file
        if any(entry.compress_type != ZIP_STORED for entry in entries):
            raise ValueError("compressed")
        if sum(entry.file_size for entry in entries) > len(data):
            raise ValueError("overlapping entries")
        # torch does not look at the checksums that its zip file holds
        if archive.testzip() is not None:
            raise ValueError("a wrong checksum")
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
