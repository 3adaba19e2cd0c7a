"""``run.json``: everything known about one run, as a pydantic model."""

import json
import time
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import from_json

from urnn_bench.errors import DamagedRecordError, NewerRecordError
from urnn_bench.files import read_bytes, write_atomically
from urnn_bench.records.contradictions import contradiction
from urnn_bench.records.jsonable import jsonable
from urnn_bench.spec.network import Network
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import Config, Count

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
# that left nothing to look at; run again, they begin anew or go on
FAILED_STATES: frozenset[str] = frozenset({"failed", "oom"})

# a record has 4 kB, and each time that its run is resumed adds one
_LIMIT_MB = 16.0
_LONGEST_FAULT = 200
_WRITTEN_JUST_NOW_S, _WRITING_S = 5.0, 0.1

# what a column of whole numbers can hold
_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Duration = Annotated[float, Field(ge=0)]
_Scores = dict[str, float | None]


class _Stored(Config):
    """Part of a record; a key that a later version adds is ignored, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Session(_Stored):
    """One process that trained a run: when, where, and with which settings."""

    started: str
    host: str
    pid: _Whole
    # of a batch system, empty outside of one
    job: str = ""
    argv: tuple[str, ...]
    threads: _Whole
    torch_threads: _Whole
    deterministic: bool
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    from_step: _Whole = 0
    # runs in its stack, this one included
    together: _Whole = 1
    # processes of the command, this one included, that trained at the same time
    jobs: _Whole = 1
    device: str = ""
    device_name: str = ""
    kernel: str = ""
    kernel_reason: str = ""
    update: str = ""
    update_reason: str = ""
    wall_s: _Duration = 0.0
    peak_mb: _Duration | None = None


class Evaluation(_Stored):
    """The best weights on the test split at a length that they were not trained on.

    ``fingerprint`` is the SHA-256 of the first sequences there.
    """

    test: _Scores
    baselines: dict[str, _Scores] = {}
    fingerprint: str = ""


class Record(_Stored):
    """A run, its state, and its result; written when it starts and replaced when it ends."""

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    identity: str
    protocol: str
    status: Status
    reason: str
    run: Run
    parameters: _Whole | None = None
    # numbers and bytes that a step in time reads beside its input and its state; None if the cell
    # does not let them be counted
    recurrent_weights: _Whole | None = None
    recurrent_bytes: _Whole | None = None
    # None in older records
    network: Network | None = None
    fingerprint: dict[str, str] = {}
    criterion: str = ""
    # the lowest and the highest possible score by metric, None for no end; none in older records
    metric_ends: dict[str, tuple[float | None, float | None]] = {}
    baselines: dict[str, _Scores] = {}
    steps_done: _Whole = 0
    train_s: _Duration = 0.0
    probe_s: _Duration = 0.0
    # whose optimizer state was not finite when they were last counted, and the update at which
    # some were first seen
    frozen_parameters: _Whole | None = None
    frozen_step: _Whole | None = None
    # updates clipped by a norm that was not finite, and the update at which the first was seen;
    # None if gradients are not clipped by norm
    nonfinite_norms: _Whole | None = None
    nonfinite_norm_step: _Whole | None = None
    best_step: _Whole | None = None
    solved_step: _Whole | None = None
    test: _Scores | None = None
    # by length, without that of training
    evaluations: dict[Count, Evaluation] = {}
    asked: str
    sessions: Annotated[tuple[Session, ...], Field(min_length=1)]

    @property
    def is_closed_form(self) -> bool:
        """Whether the run was solved in closed form, without updates."""
        return self.status == DONE and self.steps_done == 0

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths at which the best weights are scored on the test split, in order."""
        trained = () if self.test is None else (self.run.T,)
        return tuple(sorted({*trained, *self.evaluations}))

    def test_at(self, length: int) -> _Scores:
        """Return the scores of the test at a length; none if it is not scored there."""
        if length == self.run.T:
            return self.test or {}
        return self.evaluations[length].test if length in self.evaluations else {}

    def baselines_at(self, length: int) -> dict[str, _Scores]:
        """Return, by metric, the baselines of a length; none if they are not known."""
        if length == self.run.T:
            return self.baselines
        return self.evaluations[length].baselines if length in self.evaluations else {}

    def ends_of(self, metric: str) -> tuple[float, float]:
        """Return the lowest and the highest possible score of a metric, infinite if not known."""
        low, high = self.metric_ends.get(metric, (None, None))
        return -inf if low is None else low, inf if high is None else high

    def write(self, folder: Path) -> None:
        """Replace ``run.json`` in ``folder``."""
        text = json.dumps(jsonable(self.model_dump(mode="json")), indent=1, allow_nan=False)
        write_atomically(folder / NAME, lambda file: file.write(text.encode() + b"\n"))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the record in ``folder``, None if there is none.

        What is returned can be shown, drawn and compared. Raises DamagedRecordError if the file is
        not a run's record, or was written by a newer version.
        """
        data = _content(folder / NAME)
        if data is None:
            return None
        try:
            return cls._parse(data, folder)
        except DamagedRecordError:
            # a network file system may show a file before all of it is there
            again = _read_again(folder / NAME)
            if again in (None, data):
                raise
            return cls._parse(again, folder)

    @classmethod
    def _parse(cls, data: bytes, folder: Path) -> Self:
        path = folder / NAME
        try:
            record = cls.model_validate_json(data)
            fault = record._contradiction(folder)
        except ValidationError as error:
            _refuse_newer(_json(data, path), path)
            fault = _first_fault(error)
        if fault:
            raise DamagedRecordError(f"{path}: is not a run's record ({fault}); {_MEND}")
        return record

    def _contradiction(self, folder: Path) -> str:
        last = max(self.steps_done, self.best_step or 0, self.solved_step or 0)
        if last > self.run.updates:
            return f"an update after the last one, {self.run.updates}"
        return contradiction(self.run, self.identity, self.protocol, folder)


_MEND = "bring back a copy, or move the file away and run the same command again"


def _content(path: Path) -> bytes | None:
    try:
        return read_bytes(path, _LIMIT_MB)
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        text = "is a link to a file that is not there"
        raise DamagedRecordError(f"{path}: {text}; {_MEND}") from None
    except OSError as error:
        mend = "change its permissions" if isinstance(error, PermissionError) else _MEND
        text = f"{path}: cannot be read ({error.strerror}); {mend}"
        raise DamagedRecordError(text) from error


def _read_again(path: Path) -> bytes | None:
    """Return the bytes of a record once more, a little later if it was written just now."""
    with suppress(OSError):
        if abs(time.time() - path.stat().st_mtime) < _WRITTEN_JUST_NOW_S:
            time.sleep(_WRITING_S)
    return _content(path)


def _json(data: bytes, path: Path) -> object:
    try:
        value: object = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise DamagedRecordError(f"{path}: cannot be read ({error}); {_MEND}") from error
    return value


def _refuse_newer(value: object, path: Path) -> None:
    version = value.get("schema_version") if isinstance(value, dict) else None
    if isinstance(version, int) and SCHEMA_VERSION < version < _NO_VERSION:
        raise NewerRecordError(
            f"{path}: written by a newer urnn-bench (schema {version}, this one reads "
            f"{SCHEMA_VERSION}); update urnn-bench or choose another --results folder"
        )


_NO_VERSION = 10**6


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(p) for p in fault['loc'])}: {fault['msg']}"[:_LONGEST_FAULT]
