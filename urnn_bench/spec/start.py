"""Starting from another run's weights: what a benchmark writes of it, and what a run has of it."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from urnn_bench.spec.types import Config, Count, Seed

_FOLDER = "folder"


class StartFrom(Config):
    """The run whose best weights every run starts from: found by its benchmark, or a folder."""

    folder: str | None = Field(None, description="of the run, instead of all other keys")
    benchmark: str | None = Field(None, description="its name or file")
    model: str | None = Field(
        None, description="with its values in a grid; the run's own if not given"
    )
    T: Count | None = Field(None, description="the run's own if not given")
    seed: Literal["same"] | Seed = Field("same", description="'same' is the run's own")
    results: str | None = Field(None, description="folder of its records; --results if not given")

    @model_validator(mode="before")
    @classmethod
    def _name_folder(cls, value: object) -> object:
        """Read a text as a folder."""
        return {_FOLDER: value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        others = self.model_fields_set - {_FOLDER}
        if (self.folder is None) == (self.benchmark is None) or (self.folder and others):
            raise ValueError("give the 'benchmark' of the run, or its 'folder' alone")
        return self


class Start(Config):
    """The run whose best weights a run starts from; ``folder`` is where it was found."""

    identity: str
    folder: str


# where a run was found does not change its weights
NOT_IDENTITY: Mapping[str, bool] = {_FOLDER: True}
