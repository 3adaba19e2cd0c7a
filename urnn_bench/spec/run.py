"""A run, everything its result depends on, and its identity; nothing here needs torch."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from urnn_bench.spec.fit import Fit, RmspropPaper
from urnn_bench.spec.layers import Block
from urnn_bench.spec.stages import Stage
from urnn_bench.spec.start import NOT_IDENTITY, Start
from urnn_bench.spec.types import (
    SEQUENCES,
    UPDATES,
    ComponentSpec,
    Config,
    Count,
    Layers,
    PoolName,
    Seed,
    require_distinct,
)

_PROBES = ("gradient_norm", "state_norm", "distance_to_last", "memory_horizon", "lyapunov")


class Probes(Config):
    """When and how a run is probed; probes do not change the training."""

    at: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = Field(
        (0, 100), description="after which of them to probe", json_schema_extra=UPDATES
    )
    every: Count | None = Field(None, description="how often to probe", json_schema_extra=UPDATES)
    T: Count | None = Field(
        None, description="length of the probed sequences; the run's own if not given"
    )
    batch: Count = Field(
        20, description="from validation, in one batch", json_schema_extra=SEQUENCES
    )
    read: Annotated[tuple[ComponentSpec, ...], Field(strict=False, min_length=1)] = Field(
        tuple(ComponentSpec(name=name) for name in _PROBES),
        description="which probes, and their options",
    )

    def due(self, step: int) -> bool:
        """Return whether to probe after ``step`` updates."""
        return step in self.at or (self.every is not None and step % self.every == 0)


LINEAR = ComponentSpec(name="linear")


class EvaluationLengths(Config):
    """At which lengths the best weights are scored on the test split, beside that of training."""

    T: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = Field(
        description="one length, or a list; the task is otherwise the same"
    )

    @field_validator("T", mode="before")
    @classmethod
    def _read_one(cls, value: object) -> object:
        """Read ``200`` as ``[200]``."""
        return [value] if type(value) is int else value

    @field_validator("T", mode="after")
    @classmethod
    def _check_lengths(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse a length that is given twice."""
        require_distinct(lengths)
        return lengths


_AS_IN_THE_PAPER = RmspropPaper.model_fields["accumulator"].default
_LATER_KEYS_OF_FIT = ("orthogonal_lr", "recurrent", "schedule")
_NOT_IDENTITY: Mapping[str, bool | Mapping[str, bool]] = {
    "benchmark": True,
    "settings": True,
    "start_from": NOT_IDENTITY,
}
_NOT_IDENTITY_OF_FIT = ("evaluate_batch",)


class Run(Config):
    """Everything that the result of one run depends on; not its device, kernel or threads.

    ``settings`` are the changes that the command line made to the benchmark. They tell which runs
    were requested together and are not part of the identity. ``evaluate`` is not part of it either,
    as the training is the same, and a record does not hold it: its scores say their lengths.
    Without ``pool``, the readout sees what the task scores: the last step or every step.
    With ``stages``, ``task`` and ``fit`` are those of the last one.
    """

    benchmark: str
    label: str
    task: ComponentSpec
    cell: ComponentSpec
    hidden: Count
    fit: Fit
    seed: Seed
    probes: Probes | None = None
    layers: Layers = 1
    block: Block | None = None
    bidirectional: bool = False
    readout: ComponentSpec = LINEAR
    pool: PoolName | None = None
    stages: Annotated[tuple[Stage, ...], Field(strict=False)] = ()
    start_from: Start | None = None
    settings: Annotated[tuple[str, ...], Field(strict=False)] = ()
    evaluate: EvaluationLengths | None = Field(None, exclude=True)

    @property
    def other_lengths(self) -> tuple[int, ...]:
        """The requested lengths of the test apart from that of training, in order."""
        requested = self.evaluate.T if self.evaluate else ()
        return tuple(sorted(length for length in requested if length != self.T))

    @property
    def T(self) -> int:
        """The sequence length as the task counts it."""
        return self.task.T

    @property
    def updates(self) -> int:
        """The number of updates of all stages."""
        return sum(part.fit.steps for part in self.parts)

    @property
    def parts(self) -> tuple["Run", ...]:
        """A run without stages for each stage, the last one last; itself if it has none."""
        alone = self.model_copy(update={"stages": ()})
        earlier = [{"task": stage.task, "fit": stage.fit} for stage in self.stages[:-1]]
        return (*(alone.model_copy(update=update) for update in earlier), alone)

    @property
    def network(self) -> tuple[object, ...]:
        """All that makes the network but its width."""
        return self.cell, self.layers, self.block, self.bidirectional, self.readout, self.pool

    @property
    def identity(self) -> str:
        """SHA-256 of the run's canonical JSON, without the parts that do not change its result."""
        return _digest(self._canonical())

    @property
    def protocol(self) -> str:
        """SHA-256 of all but the seed; runs with the same protocol may be averaged."""
        return self.digests()[1]

    def digests(self) -> tuple[str, str]:
        """Return identity and protocol, which have most of their work in common."""
        value = self._canonical()
        return _digest(value), _digest({k: v for k, v in value.items() if k != "seed"})

    @property
    def slug(self) -> str:
        """Name of the run's folder."""
        return self.slug_with(self.identity)

    def slug_with(self, identity: str) -> str:
        """Return the name of the run's folder, given the identity that it ends in."""
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.label)
        return f"{safe}-T{self.T}-s{self.seed}-{identity[:8]}"

    def _canonical(self) -> dict[str, object]:
        # a feature that is not used is left out, so that older runs keep their identity
        defaults = {
            "probes": None,
            "readout": LINEAR,
            "pool": None,
            "layers": 1,
            "block": None,
            "bidirectional": False,
            "stages": (),
            "start_from": None,
        }
        unused = {key: True for key, value in defaults.items() if getattr(self, key) == value}
        value = self.model_dump(mode="json", exclude={**_NOT_IDENTITY, **unused})
        for part in (value, *value.get("stages", ())):
            _remove_unused(part["fit"])
        return value


def _remove_unused(fit: dict[str, Any]) -> None:
    """Remove what has no part in a result, and later keys that are not used."""
    for name in _LATER_KEYS_OF_FIT:
        if fit[name] is None:
            del fit[name]
    if fit["optimizer"].get("accumulator") == _AS_IN_THE_PAPER:
        del fit["optimizer"]["accumulator"]
    for name in _NOT_IDENTITY_OF_FIT:
        fit.pop(name, None)


def _digest(value: Mapping[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
