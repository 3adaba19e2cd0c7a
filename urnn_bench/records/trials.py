"""``trials.jsonl``: the trials of the searches of a benchmark, one JSON object a line.

A line is appended when a trial ends. Several searches may append to one file at a time.
"""

import fcntl
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from urnn_bench.errors import DamagedRecordError
from urnn_bench.files import naming, open_append, read_bytes
from urnn_bench.records.lines import RecordsWarning, complete_length
from urnn_bench.records.refused import refused
from urnn_bench.spec.types import Config, Count, Seed, Seeds

TRIALS = "trials.jsonl"
TPE: Final = "tpe"
RANDOM: Final = "random"
COMPLETE: Final = "complete"
PRUNED: Final = "pruned"
FAILED: Final = "failed"

Sampler = Literal["tpe", "random"]
State = Literal["complete", "pruned", "failed"]

# a hundred thousand trials have 40 MB
_LIMIT_MB = 512.0
_LONGEST_FAULT = 200
_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Rungs = Annotated[tuple[tuple[Count, float], ...], Field(strict=False)]


class Trial(Config, extra="ignore"):
    """One trial of a search, after it has ended.

    ``loss`` is the best validation loss, a mean over ``seeds``, and None if the trial has failed.
    ``updates`` are those that it was trained for, of all seeds. ``rungs`` has the updates and the
    loss of every rung that it reached, the last update among them, and ``runs`` the names of the
    folders of its runs.
    """

    sampler: Sampler
    seed: Seed
    trial: _Whole
    model: str
    label: str
    T: Count
    seeds: Seeds
    values: dict[str, object]
    state: State
    updates: _Whole
    rungs: _Rungs = ()
    loss: float | None
    reason: str = ""
    runs: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @field_validator("rungs", mode="before")
    @classmethod
    def _read_pairs(cls, value: object) -> object:
        """Read the lists of JSON as pairs."""
        if not isinstance(value, list | tuple):
            return value
        return tuple(tuple(pair) if isinstance(pair, list) else pair for pair in value)

    @model_validator(mode="after")
    def _check_loss(self) -> Self:
        """Refuse a trial that has failed with a loss, or ended well without one."""
        if (self.loss is None) != (self.state == FAILED):
            raise ValueError("a trial has a loss unless it has failed")
        return self

    @property
    def search(self) -> tuple[str, int, str, int]:
        """What tells the searches of a benchmark apart: model, T, sampler and seed."""
        return self.model, self.T, self.sampler, self.seed


def path_of(results: Path, benchmark: str) -> Path:
    """Return the file of a benchmark's trials."""
    return results / benchmark / TRIALS


def read(path: Path) -> list[Trial]:
    """Return the trials of a file in their order; none if there is no file.

    A last line that was cut short is left out with a warning. Raises DamagedRecordError.
    """
    data = _content(path)
    complete = complete_length(data)
    if complete < len(data):
        warnings.warn(f"{path}: 1 line cut short or damaged, left out", RecordsWarning, 2)
    return [_parsed(path, i, line) for i, line in enumerate(data[:complete].splitlines(), 1)]


def append(path: Path, trial: Trial) -> None:
    """Write a trial as the last line and onto the disk; an incomplete last line is replaced.

    Raises UnwritableError, and OSError for what concerns every file.
    """
    with refused(path, "cannot be written to"), naming(path), _locked(path) as file:
        size = file.seek(0, os.SEEK_END)
        data = os.pread(file.fileno(), size, 0)
        os.ftruncate(file.fileno(), complete_length(data))
        file.write(trial.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def merge(source: Path, target: Path) -> list[Trial]:
    """Append the trials that another file has and this one lacks; return those that differ.

    Raises DamagedRecordError and UnwritableError.
    """
    known = {(trial.search, trial.trial): trial for trial in reversed(read(target))}
    others = {(trial.search, trial.trial): trial for trial in reversed(read(source))}
    for key, trial in reversed(others.items()):
        if key not in known:
            append(target, trial)
    return [trial for key, trial in others.items() if known.get(key, trial) != trial]


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open a file that no other process appends to meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_append(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def of_search(trials: Sequence[Trial], search: tuple[str, int, str, int]) -> list[Trial]:
    """Return the trials of one search, by number; a later line of a number counts for nothing."""
    by_number: dict[int, Trial] = {}
    for trial in trials:
        if trial.search == search:
            by_number.setdefault(trial.trial, trial)
    return [by_number[number] for number in sorted(by_number)]


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path, _LIMIT_MB)
    except FileNotFoundError:
        return b""
    except OSError as error:
        text = f"{path}: cannot be read ({error.strerror}); {_MEND}"
        raise DamagedRecordError(text) from error


def _parsed(path: Path, number: int, line: bytes) -> Trial:
    try:
        return Trial.model_validate_json(line)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        said = f"{place}: {fault['msg']}" if place else fault["msg"]
        text = f"{path}, line {number}: is not a trial ({said[:_LONGEST_FAULT]}); {_MEND}"
        raise DamagedRecordError(text) from error


_MEND = "bring back a copy, or move the file away"
