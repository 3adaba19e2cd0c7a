"""A benchmark file as a frozen pydantic model; nothing here needs torch."""

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from urnn_bench.spec.run import Probes
from urnn_bench.spec.types import ComponentSpec, Config, Count, Seeds

# between a model's name and its place in a grid
GRID_SEPARATOR = " @ "


class ModelSpec(Config):
    """A model of a benchmark: a cell, its size, and what it changes in the common ``fit``."""

    cell: ComponentSpec
    hidden: Count | None = None
    parameters: Count | None = None
    fit: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.hidden is not None and self.parameters is not None:
            raise ValueError("give the size once, by 'hidden' or by 'parameters'")
        return self


class Benchmark(Config):
    """A benchmark file: task × models × lengths × seeds, trained by one ``fit``.

    ``grid`` has values for keys of ``fit``, by their dotted paths; every model is trained with
    every combination. ``together`` trains what has one form at once.
    """

    title: str
    paper: str = ""
    task: ComponentSpec
    T: dict[int, dict[str, Any]]
    seeds: Seeds = (0,)
    models: Annotated[dict[str, ModelSpec], Field(min_length=1)]
    hidden: Count | None = None
    parameters: Count | None = None
    fit: dict[str, Any] = {}
    grid: dict[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] = {}
    together: bool = False
    probes: Probes | None = None
    figures: Annotated[tuple[ComponentSpec, ...], Field(strict=False)] = ()

    @field_validator("T", mode="before")
    @classmethod
    def _lengths(cls, value: Any) -> Any:
        """Read ``100`` and ``[100, 200]`` as lengths that change nothing in ``fit``."""
        values = [value] if isinstance(value, int) else value
        if isinstance(values, list) and all(type(v) is int for v in values):
            values = {length: {} for length in values}
        if not isinstance(values, dict) or not values:
            raise ValueError("must be a length, a list of lengths, or a mapping of lengths to fit")
        if short := [v for v in values if type(v) is not int or v < 1]:
            raise ValueError(f"a length must be a whole number of at least 1, not {short[0]!r}")
        return {length: overlay or {} for length, overlay in values.items()}

    @field_validator("grid", mode="after")
    @classmethod
    def _apart(cls, grid: dict[str, Any]) -> dict[str, Any]:
        """Refuse axes that set the same key."""
        for one, other in combinations([path.split(".") for path in grid], 2):
            if all(a == b for a, b in zip(one, other, strict=False)):
                text = f"'{'.'.join(one)}' and '{'.'.join(other)}' set the same key"
                raise ValueError(text)
        return grid

    @field_validator("models", mode="after")
    @classmethod
    def _names(cls, models: dict[str, ModelSpec]) -> dict[str, ModelSpec]:
        """Refuse names that look like places in a grid."""
        if taken := [name for name in models if GRID_SEPARATOR in name]:
            text = f"'{GRID_SEPARATOR}' in '{taken[0]}' stands for a place in a grid; leave it out"
            raise ValueError(text)
        return models

    @model_validator(mode="before")
    @classmethod
    def _cells_by_label(cls, value: Any) -> Any:
        """Let a model's label name its cell where the model does not."""
        if not isinstance(value, Mapping) or not isinstance(value.get("models"), Mapping):
            return value
        models = {k: _with_cell(k, model) for k, model in value["models"].items()}
        return {**value, "models": models}


def _with_cell(label: Any, model: Any) -> Any:
    model = {} if model is None else model
    if not isinstance(model, Mapping):
        return model
    cell = model.get("cell", {})
    if isinstance(cell, Mapping):
        cell = {"name": label, **cell}
    return {**model, "cell": cell}
