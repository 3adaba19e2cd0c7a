"""What a user writes of a cluster once: ``slurm/NAME.yaml`` in the folder of settings."""

import re
from math import inf
from pathlib import Path
from typing import Annotated, Self

from platformdirs import user_config_path
from pydantic import Field, ValidationError, model_validator

from urnn_bench.errors import UsageError, near_miss
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.load import read
from urnn_bench.spec.types import Config, Count, Positive

DEFAULT = "default"

# an option of sbatch, which is one line; a cluster may have numbers for names
_Line = Annotated[str, Field(pattern=r"^[^\n\r]+$", coerce_numbers_to_str=True, strict=False)]
_Lines = Annotated[tuple[str, ...], Field(strict=False)]
_OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
# what this package says itself
_OWN = {"array", "chdir", "output", "open-mode", "signal", "requeue", "no-requeue", "ntasks"}
# of sbatch --signal
_MOST_S = 65535
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<rest>\d+(?::\d+){0,2})")


class Profile(Config):
    """How jobs are submitted; every key may be left out."""

    partition: _Line | None = Field(None, description="sbatch --partition")
    account: _Line | None = Field(None, description="sbatch --account")
    time: _Line | None = Field(None, description="time limit of a task, as sbatch --time takes it")
    memory: _Line | None = Field(None, description="memory of a task, as sbatch --mem takes it")
    cpus: Count = Field(2, description="processors of a task")
    gpus: int = Field(0, ge=0, description="GPUs of a task")
    tasks: Count = Field(50, description="the most tasks of a command")
    parallel: Count | None = Field(None, description="the most tasks at the same time")
    task_minutes: Positive = Field(30.0, description="expected training of a task, in minutes")
    checkpoint_s: Count = Field(
        120, le=_MOST_S, description="seconds before the time limit to stop"
    )
    requeues: int = Field(20, ge=0, description="how often a task goes on after its time limit")
    setup: _Lines = Field((), description="lines of the shell before the command")
    program: _Lines = Field((), description="words that call urnn-bench on a node")
    options: dict[_OptionName, _Line] = Field({}, description="other options of sbatch by name")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if taken := sorted(_OWN & self.options.keys()):
            raise ValueError(f"'options' cannot set '{taken[0]}', which urnn-bench sets itself")
        limit_s = inf if self.time is None else seconds_of(self.time)
        if limit_s <= self.checkpoint_s:
            raise ValueError(f"'checkpoint_s' must be less than the time limit, {limit_s:g} s")
        return self


def seconds_of(limit: str) -> float:
    """Return a time limit in seconds, infinity for one that only Slurm understands."""
    found = _TIME.fullmatch(limit)
    if found is None:
        return inf
    numbers = [int(number) for number in found["rest"].split(":")]
    if found["days"] is not None:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
        return 86_400 * int(found["days"]) + 3600 * hours + 60 * minutes + seconds
    # minutes, minutes:seconds, or hours:minutes:seconds
    hours, minutes, seconds = numbers if len(numbers) == 3 else (0, *numbers, 0)[:3]
    return 3600 * hours + 60 * minutes + seconds


def folder() -> Path:
    """Return the folder of the profiles."""
    return user_config_path("urnn-bench") / "slurm"


def profile(name: str | None) -> Profile:
    """Return a profile, by default ``default`` if there is one; raise UsageError or SpecError."""
    try:
        path = folder() / f"{name or DEFAULT}.yaml"
    except RuntimeError as error:
        # this user has no home folder
        if name is None:
            return Profile()
        raise UsageError(f"--on slurm:{name}: {error}; set XDG_CONFIG_HOME") from error
    if not path.is_file():
        if name is None:
            return Profile()
        known = sorted(file.stem for file in folder().glob("*.yaml"))
        hint = near_miss(name, known) or f"; write {path}"
        raise UsageError(f"--on slurm:{name}: there is no such profile{hint}")
    if not path.read_bytes().strip():
        return Profile()
    document = read(path)
    try:
        return Profile.model_validate(document.mapping)
    except ValidationError as error:
        raise spec_error(error, Profile, document.where, is_benchmark=False) from error
