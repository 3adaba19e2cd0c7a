"""A run, all that its result depends on, and its identity; nothing here needs torch."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from urnn_bench.spec.fit import Fit
from urnn_bench.spec.types import SEQUENCES, UPDATES, ComponentSpec, Config, Count, Seed

_PROBES = ("gradient_norm", "state_norm", "distance_to_last", "memory_horizon", "lyapunov")


class Probes(Config):
    """When, on what and with what a run is looked into; training does not notice."""

    at: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = Field(
        (0, 100), description="after which of them to look", json_schema_extra=UPDATES
    )
    every: Count | None = Field(
        None, description="look again each time so many are done", json_schema_extra=UPDATES
    )
    T: Count | None = Field(
        None, description="length of the sequences looked at; the run's own if not given"
    )
    batch: Count = Field(20, description="of validation, looked at", json_schema_extra=SEQUENCES)
    read: Annotated[tuple[ComponentSpec, ...], Field(strict=False, min_length=1)] = Field(
        tuple(ComponentSpec(name=name) for name in _PROBES),
        description="which probes, and their options",
    )

    def due(self, step: int) -> bool:
        """Return whether to look after ``step`` updates."""
        return step in self.at or (self.every is not None and step % self.every == 0)


_NOT_IDENTITY: Any = {"benchmark": True, "settings": True, "fit": {"evaluate_batch"}}


class Run(Config):
    """Everything the result of one run depends on; device, kernel and threads do not belong.

    ``settings`` are what the command line changed in the benchmark; they are there to tell which
    runs were asked for together, and are not part of the identity.
    """

    benchmark: str
    label: str
    task: ComponentSpec
    cell: ComponentSpec
    hidden: Count
    fit: Fit
    seed: Seed
    probes: Probes | None = None
    settings: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def T(self) -> int:
        """The sequence length as the task counts it."""
        return int(self.task.options["T"])

    @property
    def identity(self) -> str:
        """SHA-256 of the run's canonical JSON without what a result does not depend on."""
        return self._digest({})

    @property
    def protocol(self) -> str:
        """SHA-256 of all but the seed: runs that share it may be averaged."""
        return self._digest({"seed": True})

    def _digest(self, besides: Mapping[str, Any]) -> str:
        # what is not used is left out, so that a run keeps the identity it had before there was any
        unused = {} if self.probes else {"probes": True}
        value = self.model_dump(mode="json", exclude={**_NOT_IDENTITY, **unused, **besides})
        if self.fit.orthogonal_lr is None:
            del value["fit"]["orthogonal_lr"]
        text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def slug(self) -> str:
        """Name of the run's folder."""
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.label)
        return f"{safe}-T{self.T}-s{self.seed}-{self.identity[:8]}"
