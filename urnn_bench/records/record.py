"""``run.json``: everything known about one run, as a pydantic model."""

import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError

from urnn_bench.errors import DamagedRecordError, RecordsError
from urnn_bench.files import write_atomically
from urnn_bench.records.jsonable import jsonable
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import Config

SCHEMA_VERSION = 1
NAME = "run.json"

Status = Literal["running", "done", "solved", "diverged", "oom", "timeout", "interrupted", "failed"]
DONE: Final = "done"
SOLVED: Final = "solved"
DIVERGED: Final = "diverged"
RUNNING: Final = "running"
INTERRUPTED: Final = "interrupted"
FINAL: frozenset[str] = frozenset({DONE, SOLVED, DIVERGED})
GOOD: frozenset[str] = frozenset({DONE, SOLVED})


class _Stored(Config):
    """Part of a record; a key that a later version adds is ignored, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=True)


class Session(_Stored):
    """One process that trained a run: when, where, and with which settings."""

    started: str
    host: str
    pid: int
    argv: tuple[str, ...]
    threads: int
    torch_threads: int
    deterministic: bool
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    from_step: int = 0
    # runs in its stack, this one included
    together: int = 1
    device: str = ""
    device_name: str = ""
    kernel: str = ""
    kernel_reason: str = ""
    update: str = ""
    update_reason: str = ""
    wall_s: float = 0.0
    peak_mb: float | None = None


class Record(_Stored):
    """A run, its state, and its result; written when it starts and replaced when it ends."""

    schema_version: int = SCHEMA_VERSION
    identity: str
    protocol: str
    status: Status
    reason: str
    run: Run
    parameters: int | None = None
    fingerprint: dict[str, str] = {}
    criterion: str = ""
    baselines: dict[str, dict[str, float | None]] = {}
    steps_done: int = 0
    train_s: float = 0.0
    probe_s: float = 0.0
    best_step: int | None = None
    solved_step: int | None = None
    test: dict[str, float | None] | None = None
    asked: str
    sessions: Annotated[tuple[Session, ...], Field(min_length=1)]

    def write(self, folder: Path) -> None:
        """Replace ``run.json`` in ``folder``."""
        text = json.dumps(jsonable(self.model_dump(mode="json")), indent=1, allow_nan=False)
        write_atomically(folder / NAME, lambda file: file.write(text.encode() + b"\n"))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the record in ``folder``, None if there is none.

        Raises RecordsError if it cannot be read or was written by a newer version.
        """
        path = folder / NAME
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except UnicodeEncodeError as error:
            raise RecordsError(
                f"{path}: this locale cannot express the name of the folder; set PYTHONUTF8=1"
            ) from error
        except (OSError, ValueError) as error:
            raise DamagedRecordError(f"{path}: cannot be read ({error}); {_MEND}") from error
        version = value.get("schema_version", 0) if isinstance(value, dict) else 0
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise RecordsError(
                f"{path}: written by a newer urnn-bench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}); update urnn-bench or choose another --results folder"
            )
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise DamagedRecordError(
                f"{path}: is not a run's record ({_first_fault(error)}); {_MEND}"
            ) from error


_MEND = "bring back a copy, or delete the file and run the same command again"


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(str(p) for p in fault['loc'])}: {fault['msg']}"
