"""A benchmark file as a frozen pydantic model; nothing here needs torch."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from urnn_bench.spec import grid as grids
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.layers import Block
from urnn_bench.spec.notation import shown, shown_name
from urnn_bench.spec.run import EvaluationLengths, Probes
from urnn_bench.spec.search import Search
from urnn_bench.spec.stages import Stages, StagesOfModel
from urnn_bench.spec.start import StartFrom
from urnn_bench.spec.types import (
    ComponentSpec,
    Config,
    Count,
    Layers,
    PoolName,
    Seeds,
    require_distinct,
)


class ModelSpec(Config):
    """A model of a benchmark: a cell, its layers and readout, its changes to ``task`` and ``fit``.

    Layers, a block, a readout, a pool or stages that are not given are the benchmark's. ``task``
    has options of the benchmark's task. A model with an empty list of ``stages`` has none.
    """

    cell: ComponentSpec
    layers: Layers | None = None
    block: Block | None = None
    bidirectional: bool | None = None
    readout: ComponentSpec | None = None
    pool: PoolName | None = None
    hidden: Count | None = None
    parameters: Count | None = None
    task: dict[str, object] = {}
    fit: dict[str, object] = {}
    stages: StagesOfModel | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        _require_one_size(self)
        return self


class Benchmark(Config):
    """A benchmark file: task × models × lengths × seeds, trained by one ``fit``.

    ``grid`` has values for keys of the task, the cell, the size and ``fit``, by their dotted paths;
    every model is trained with every combination. ``together`` trains runs of the same shape as a
    stack. ``evaluate`` has the lengths at which the best weights are scored beside those of
    training. ``stages`` are trained one after the other, each with its changes to ``task`` and
    ``fit``. ``start_from`` names the run whose best weights every run starts from. ``search`` has
    what a search varies; runs are trained without it.
    """

    title: str
    paper: str = ""
    task: ComponentSpec
    T: dict[int, dict[str, object]]
    seeds: Seeds = (0,)
    models: Annotated[dict[str, ModelSpec], Field(min_length=1)]
    layers: Layers | None = None
    block: Block | None = None
    bidirectional: bool | None = None
    readout: ComponentSpec | None = None
    pool: PoolName | None = None
    hidden: Count | None = None
    parameters: Count | None = None
    fit: dict[str, object] = {}
    grid: dict[str, Annotated[tuple[object, ...], Field(strict=False, min_length=1)]] = {}
    stages: Stages = {}
    start_from: StartFrom | None = None
    search: Search | None = None
    together: bool = False
    probes: Probes | None = None
    evaluate: EvaluationLengths | None = None
    figures: Annotated[tuple[ComponentSpec, ...], Field(strict=False)] = ()

    @field_validator("T", mode="before")
    @classmethod
    def _parse_lengths(cls, value: object) -> object:
        """Read ``100`` and ``[100, 200]`` as lengths with the common ``fit``."""
        lengths = [value] if isinstance(value, int) else value
        if isinstance(lengths, list) and all(type(length) is int for length in lengths):
            require_distinct(lengths)
            lengths = {length: {} for length in lengths}
        if not isinstance(lengths, dict) or not lengths:
            raise ValueError("must be a length, a list of lengths, or a mapping of lengths to fit")
        if wrong := [length for length in lengths if type(length) is not int or length < 1]:
            raise ValueError(
                f"a length must be a whole number of at least 1, not {shown(wrong[0])}"
            )
        return {length: {} if overlay is None else overlay for length, overlay in lengths.items()}

    @field_validator("seeds", mode="after")
    @classmethod
    def _check_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse a seed that is given twice: it would be one run, not two."""
        require_distinct(seeds)
        return seeds

    @field_validator("figures", mode="after")
    @classmethod
    def _check_figures(cls, figures: tuple[ComponentSpec, ...]) -> tuple[ComponentSpec, ...]:
        """Refuse a figure that is given twice: both would be drawn into one file."""
        require_distinct([figure.name for figure in figures])
        return figures

    @field_validator("grid", mode="after")
    @classmethod
    def _check_axes(cls, grid: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
        """Refuse axes that name no single key, or that set the same key."""
        grids.check_axes(grid)
        return grid

    @field_validator("models", mode="after")
    @classmethod
    def _check_names(cls, models: dict[str, ModelSpec]) -> dict[str, ModelSpec]:
        """Refuse names that look like values in a grid."""
        if wrong := [name for name in models if GRID_SEPARATOR in name]:
            raise ValueError(
                f"'{GRID_SEPARATOR}' in '{shown_name(wrong[0])}' separates a model from its values "
                "in a grid; remove it"
            )
        return models

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        _require_one_size(self)
        return self

    @model_validator(mode="before")
    @classmethod
    def _name_cells(cls, value: object) -> object:
        """Let a model that names no cell use the cell called like its label."""
        if not isinstance(value, Mapping) or not isinstance(value.get("models"), Mapping):
            return value
        models = {label: _with_cell(label, model) for label, model in value["models"].items()}
        return {**value, "models": models}


def _require_one_size(sized: "ModelSpec | Benchmark") -> None:
    if sized.hidden is not None and sized.parameters is not None:
        raise ValueError("give the size once, by 'hidden' or by 'parameters'")


def _with_cell(label: object, model: object) -> object:
    model = {} if model is None else model
    if not isinstance(model, Mapping):
        return model
    cell = model.get("cell", {})
    if isinstance(cell, Mapping):
        cell = {"name": label, **cell}
    return {**model, "cell": cell}
