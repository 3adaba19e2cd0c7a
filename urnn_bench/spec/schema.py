"""A benchmark file and a run, as frozen pydantic models; nothing here needs torch."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict


class Strict(BaseModel):
    """Base of every part of a spec: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]


class Named(Strict):
    """A component and its options; ``source`` marks a file given by the user by its hash."""

    name: str
    options: dict[str, Any] = {}
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """Read ``urnn`` and ``{name: urnn, eps: 1e-5}`` as a name and its options."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping) and "options" not in value:
            options = {k: v for k, v in value.items() if k != "name"}
            return {**{k: v for k, v in value.items() if k == "name"}, "options": options}
        return value


class RmspropPaper(Strict):
    """The uRNN paper's RMSprop: accumulator from 1e-3, updated before use, no epsilon."""

    name: Literal["rmsprop_paper"] = "rmsprop_paper"
    lr: Positive = 1e-3
    decay: Fraction = 0.9
    initial: Positive = 1e-3


class Rmsprop(Strict):
    """torch.optim.RMSprop with torch's defaults."""

    name: Literal["rmsprop"]
    lr: Positive = 1e-2
    alpha: Fraction = 0.99
    eps: Annotated[float, Field(ge=0)] = 1e-8
    momentum: Fraction = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Adam(Strict):
    """torch.optim.Adam or AdamW with torch's defaults."""

    name: Literal["adam", "adamw"]
    lr: Positive = 1e-3
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False)] = (0.9, 0.999)
    eps: Annotated[float, Field(ge=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Sgd(Strict):
    """torch.optim.SGD with torch's defaults."""

    name: Literal["sgd"]
    lr: Positive = 1e-3
    momentum: Fraction = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Optimizer = Annotated[RmspropPaper | Rmsprop | Adam | Sgd, Field(discriminator="name")]


class Clip(Strict):
    """Clip every element of the gradient to ± value, or scale the whole down to a 2-norm."""

    value: Positive | None = None
    norm: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.value is None) == (self.norm is None):
            raise ValueError("give either 'value' or 'norm'")
        return self


class Solved(Strict):
    """When a run counts as solved: a validation metric is below (or above) a bound."""

    metric: str
    below: float | None = None
    above: float | None = None
    stop: bool = False

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise ValueError("give either 'below' or 'above'")
        return self

    def holds(self, metrics: Mapping[str, float]) -> bool:
        """Return whether these scores are past the bound; raise KeyError without the metric."""
        value = metrics[self.metric]
        return value < self.below if self.below is not None else value > float(self.above or 0)


_UPDATES: JsonDict = {"unit": "updates"}
_SEQUENCES: JsonDict = {"unit": "sequences"}


class Fit(Strict):
    """How a model is trained."""

    steps: Count = Field(1000, description="how long to train", json_schema_extra=_UPDATES)
    batch: Count = Field(20, description="in every update", json_schema_extra=_SEQUENCES)
    optimizer: Optimizer = Field(
        RmspropPaper(), description="rmsprop_paper, rmsprop, adam, adamw or sgd, and its options"
    )
    orthogonal_lr: Positive | None = Field(
        None, description="learning rate of orthogonal matrices; the optimizer's if not given"
    )
    clip: Clip | None = Field(
        None, description="of gradients: {value: 1.0} element by element, or {norm: 1.0}"
    )
    log_every: Count = Field(
        10, description="the mean training loss is written", json_schema_extra=_UPDATES
    )
    evaluate_every: Count = Field(
        50, description="validation is scored", json_schema_extra=_UPDATES
    )
    evaluate_batch: Count = Field(
        200, description="scored at once; memory only", json_schema_extra=_SEQUENCES
    )
    solved: Solved | None = Field(
        None, description="{metric, below or above, stop}: when validation counts as solved"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="of all arithmetic")

    @field_validator("optimizer", mode="before")
    @classmethod
    def _default_name(cls, value: Any) -> Any:
        """Let options without a name be those of the default optimizer."""
        if isinstance(value, Mapping) and "name" not in value:
            return {"name": "rmsprop_paper", **value}
        return value


_PROBES = ("gradient_norm", "state_norm", "distance_to_last", "memory_horizon", "lyapunov")


class Probes(Strict):
    """When, on what and with what a run is looked into; training does not notice."""

    at: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = Field(
        (0, 100), description="after which of them to look", json_schema_extra=_UPDATES
    )
    every: Count | None = Field(
        None, description="look again each time so many are done", json_schema_extra=_UPDATES
    )
    T: Count | None = Field(
        None, description="length of the sequences looked at; the run's own if not given"
    )
    batch: Count = Field(20, description="of validation, looked at", json_schema_extra=_SEQUENCES)
    read: Annotated[tuple[Named, ...], Field(strict=False, min_length=1)] = Field(
        tuple(Named(name=name) for name in _PROBES), description="which probes, and their options"
    )

    def due(self, step: int) -> bool:
        """Return whether to look after ``step`` updates."""
        return step in self.at or (self.every is not None and step % self.every == 0)


_NOT_IDENTITY: Any = {"benchmark": True, "settings": True, "fit": {"evaluate_batch"}}


class Run(Strict):
    """Everything the result of one run depends on; device, kernel and threads do not belong.

    ``settings`` are what the command line changed in the benchmark; they are there to tell which
    runs were asked for together, and are not part of the identity.
    """

    benchmark: str
    label: str
    task: Named
    cell: Named
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
