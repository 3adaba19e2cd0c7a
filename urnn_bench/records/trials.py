"""``trials.jsonl``: the trials of every search of a benchmark, a line for each that has ended."""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from urnn_bench.files import naming, open_append
from urnn_bench.records.jsonable import jsonable
from urnn_bench.records.lines import RecordsWarning, complete_length
from urnn_bench.records.reading import content
from urnn_bench.spec.types import Config, Count, Seeds

TRIALS = "trials.jsonl"

SamplerName = Literal["tpe", "random"]
COMPLETE: Final = "complete"
PRUNED: Final = "pruned"
FAILED: Final = "failed"

_Whole = Annotated[int, Field(ge=0, lt=2**63)]


class Trial(Config):
    """One trial of a search; a key that a later version adds is ignored, not refused.

    ``loss`` is the best validation loss of its run, the mean over ``seeds``; None if it failed.
    ``updates`` is what the trial cost in all its seeds. ``values`` has every axis that was active.
    ``rungs`` are updates with the loss up to then.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    sampler: SamplerName
    seed: _Whole
    trial: _Whole
    model: str
    label: str
    T: Count
    seeds: Seeds
    values: Mapping[str, object]
    state: Literal["complete", "pruned", "failed"]
    updates: _Whole
    rungs: tuple[tuple[_Whole, float | None], ...] = ()
    loss: float | None
    reason: str = ""


def append(path: Path, trial: Trial) -> None:
    """Write a trial as the last line; a line that is cut short is removed before it."""
    line = json.dumps(jsonable(trial.model_dump(mode="json"))).encode()
    with naming(path), open_append(path) as file:
        data = path.read_bytes()
        file.truncate(complete_length(data))
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[Trial]:
    """Return every trial of a file; warn once of lines that are left out."""
    lines = (content(path) or b"").splitlines(keepends=True)
    trials = [trial for line in lines if (trial := _trial(line)) is not None]
    if damaged := len(lines) - len(trials):
        text = f"{damaged} line{'s' * (damaged != 1)} cut short or damaged, left out"
        warnings.warn(f"{path}: {text}", RecordsWarning, 2)
    return trials


def _trial(line: bytes) -> Trial | None:
    try:
        return Trial.model_validate_json(line) if line.endswith(b"\n") else None
    except ValidationError:
        return None
