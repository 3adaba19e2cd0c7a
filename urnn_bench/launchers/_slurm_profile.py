"""What a user writes of a cluster once: ``slurm/NAME.yaml`` in the folder of settings."""

from pathlib import Path
from typing import Annotated

from platformdirs import user_config_path
from pydantic import Field, ValidationError

from urnn_bench.errors import UsageError, near_miss
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.load import read
from urnn_bench.spec.types import Config, Count, Positive

DEFAULT = "default"

_Lines = Annotated[tuple[str, ...], Field(strict=False)]


class Profile(Config):
    """How jobs are submitted; every key may be left out."""

    partition: str | None = Field(None, description="sbatch --partition")
    account: str | None = Field(None, description="sbatch --account")
    time: str | None = Field(None, description="time limit of a task, as sbatch --time takes it")
    memory: str | None = Field(None, description="memory of a task, as sbatch --mem takes it")
    cpus: Count = Field(2, description="processors of a task")
    gpus: int = Field(0, ge=0, description="GPUs of a task")
    tasks: Count = Field(50, description="the most tasks of a command")
    parallel: Count | None = Field(None, description="the most tasks at the same time")
    task_minutes: Positive = Field(30.0, description="expected training of a task, in minutes")
    checkpoint_s: Count = Field(120, description="seconds before the time limit to stop")
    requeues: int = Field(20, ge=0, description="how often a task goes on after its time limit")
    setup: _Lines = Field((), description="lines of the shell before the command")
    program: _Lines = Field((), description="words that call urnn-bench on a node")
    options: dict[str, str] = Field({}, description="other options of sbatch by their long names")


def folder() -> Path:
    """Return the folder of the profiles."""
    return user_config_path("urnn-bench") / "slurm"


def profile(name: str | None) -> Profile:
    """Return a profile, by default ``default`` if there is one; raise UsageError or SpecError."""
    path = folder() / f"{name or DEFAULT}.yaml"
    if not path.is_file():
        if name is None:
            return Profile()
        known = sorted(file.stem for file in folder().glob("*.yaml"))
        hint = near_miss(name, known) or f"; write {path}"
        raise UsageError(f"--on slurm:{name}: there is no such profile{hint}")
    document = read(path)
    try:
        return Profile.model_validate(document.mapping)
    except ValidationError as error:
        raise spec_error(error, Profile, document.where, is_benchmark=False) from error
