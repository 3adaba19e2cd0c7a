"""The values that specs are made of, checked and immutable."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict


class Config(BaseModel):
    """Base of every part of a spec: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


UPDATES: JsonDict = {"unit": "updates"}
SEQUENCES: JsonDict = {"unit": "sequences"}

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]


class ComponentSpec(Config):
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
