"""The values that specs are made of, checked and immutable."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from urnn_bench.spec.notation import shown


class Config(BaseModel):
    """Base of every part of a spec: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


UPDATES: JsonDict = {"unit": "updates"}
SEQUENCES: JsonDict = {"unit": "sequences"}

# what a tensor's size, and a loop of torch's, can be
Count = Annotated[int, Field(ge=1, lt=2**63)]
# more would take minutes to build, and longer to train than anyone waits
Layers = Annotated[int, Field(ge=1, le=1000)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
# how the features over time become what the readout sees
PoolName = Literal["last", "mean", "max", "last_and_mean", "every"]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]


def require_distinct(values: Iterable[object], owner: str = "") -> None:
    """Raise ValueError if a value is given twice, be it as 1 and 1.0."""
    seen: set[object] = set()
    for value in values:
        # true equals 1 in Python, and lists and mappings have no hash
        plain = value is None or isinstance(value, str | int | float)
        key = (isinstance(value, bool), value) if plain else repr(value)
        if key in seen:
            raise ValueError(f"{owner}{shown(value)} is given twice")
        seen.add(key)


class ComponentSpec(Config):
    """A component and its options; ``source`` is the hash of the file if a user included it.

    The options are checked later, by the component's own ``Options``.
    """

    name: str
    options: Mapping[str, object] = {}
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _split_options(cls, value: object) -> object:
        """Read ``urnn`` and ``{name: urnn, eps: 1e-5}`` as a name and its options."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping) and "options" not in value:
            options = dict(value)
            name = {key: options.pop(key) for key in ("name",) if key in options}
            return {**name, "options": options}
        return value

    @property
    def T(self) -> int:
        """The sequence length as a task counts it; raises KeyError if the options have none."""
        length = self.options["T"]
        if not isinstance(length, int):
            raise TypeError(f"the length of '{self.name}' must be a whole number, not {length!r}")
        return length
