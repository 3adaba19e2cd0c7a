"""How a model is trained: optimizer, clipping, and when it is scored."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from urnn_bench.spec.schedule import Schedule
from urnn_bench.spec.types import SEQUENCES, UPDATES, Config, Count, Fraction, Positive


class RmspropPaper(Config):
    """The uRNN paper's RMSprop: accumulator from 1e-3, updated before use, no epsilon.

    The accumulator is s, as in the authors' code, or its root, which overflows only where a
    gradient does. In float32 s overflows from a gradient of about 6e19, and never comes back.
    """

    name: Literal["rmsprop_paper"] = "rmsprop_paper"
    lr: Positive = 1e-3
    decay: Fraction = 0.9
    initial: Positive = 1e-3
    accumulator: Literal["square", "root"] = "square"


class Rmsprop(Config):
    """torch.optim.RMSprop with torch's defaults."""

    name: Literal["rmsprop"]
    lr: Positive = 1e-2
    alpha: Fraction = 0.99
    eps: Annotated[float, Field(ge=0)] = 1e-8
    momentum: Fraction = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Adam(Config):
    """torch.optim.Adam or AdamW with torch's defaults."""

    name: Literal["adam", "adamw"]
    lr: Positive = 1e-3
    betas: Annotated[tuple[Fraction, Fraction], Field(strict=False)] = (0.9, 0.999)
    eps: Annotated[float, Field(ge=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Sgd(Config):
    """torch.optim.SGD with torch's defaults."""

    name: Literal["sgd"]
    lr: Positive = 1e-3
    momentum: Fraction = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Optimizer = Annotated[RmspropPaper | Rmsprop | Adam | Sgd, Field(discriminator="name")]


class Clip(Config):
    """Clip every element of the gradient to ± value, or scale the whole down to a 2-norm."""

    value: Positive | None = None
    norm: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.value is None) == (self.norm is None):
            raise ValueError("give either 'value' or 'norm'")
        return self


class Solved(Config):
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


class Recurrent(Config):
    """What an optimizer does otherwise for recurrent parameters; the rest is as for all."""

    lr: Positive | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.lr is None and self.weight_decay is None:
            raise ValueError("give 'lr', 'weight_decay' or both")
        return self


class Fit(Config):
    """How a model is trained."""

    steps: Count = Field(1000, description="how long to train", json_schema_extra=UPDATES)
    batch: Count = Field(20, description="in every update", json_schema_extra=SEQUENCES)
    optimizer: Optimizer = Field(
        RmspropPaper(), description="rmsprop_paper, rmsprop, adam, adamw or sgd, and its options"
    )
    orthogonal_lr: Positive | None = Field(
        None, description="learning rate of orthogonal matrices; the optimizer's if not given"
    )
    recurrent: Recurrent | None = Field(
        None, description="{lr, weight_decay}: own ones of the cell's recurrent parameters"
    )
    schedule: Schedule | None = Field(
        None, description="constant, linear or cosine, or {name, warm_up, end}: of the rates"
    )
    clip: Clip | None = Field(
        None, description="of gradients: {value: 1.0} element by element, or {norm: 1.0}"
    )
    log_every: Count = Field(
        10, description="how often the mean training loss is logged", json_schema_extra=UPDATES
    )
    evaluate_every: Count = Field(
        50, description="how often validation is scored", json_schema_extra=UPDATES
    )
    evaluate_batch: Count = Field(
        200, description="scored in one batch; changes memory only", json_schema_extra=SEQUENCES
    )
    solved: Solved | None = Field(
        None, description="{metric, below or above, stop}: when validation counts as solved"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="of all arithmetic")

    @field_validator("optimizer", mode="before")
    @classmethod
    def _add_default_name(cls, value: object) -> object:
        """Take a name for an optimizer with its defaults, and no name for the default one."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping) and "name" not in value:
            return {"name": "rmsprop_paper", **value}
        return value

    @field_validator("schedule", mode="before")
    @classmethod
    def _name_schedule(cls, value: object) -> object:
        """Take a name for a schedule with its defaults."""
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_warm_up(self) -> Self:
        if self.schedule and self.schedule.warm_up >= self.steps:
            raise ValueError(
                f"'schedule.warm_up' is {self.schedule.warm_up}; it must be below the "
                f"{self.steps} 'steps' of the training"
            )
        return self

    @model_validator(mode="after")
    def _check_recurrent(self) -> Self:
        """Refuse a weight decay of an optimizer that has none."""
        decays = self.recurrent is not None and self.recurrent.weight_decay is not None
        if decays and "weight_decay" not in type(self.optimizer).model_fields:
            raise ValueError(
                f"the optimizer '{self.optimizer.name}' has no weight decay; leave out "
                "'recurrent.weight_decay' or take another optimizer"
            )
        return self

    def rate_share(self, step: int) -> float:
        """Return the share of the learning rates in the update after ``step`` updates."""
        return 1.0 if self.schedule is None else self.schedule.share(step, self.steps)
