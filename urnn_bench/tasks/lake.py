"""The temperature of a lake from files of yours: its weather, a simulation and observations.

Jia et al., arXiv:2001.11086, on Lake Mendota, whose files ``lake/mendota/`` of the data folder has
under the names that the options have as defaults. Files of any other lake will do; docs/data.md has
their columns. The SHA-256 of all that is read is part of every run's record.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.tasks._lake import LakeOptions, LakeTask
from urnn_bench.tasks._lake_files import LakeFiles, read
from urnn_bench.tasks._lake_series import LakeSeries

_FOLDER = "lake"


def _iso(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"'{text}' is no date such as 2011-12-31") from error


IsoDate = Annotated[str, AfterValidator(_iso)]
# of a folder or a file
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Reading(NamedTuple):
    """What is read, whatever the window: a folder below ``lake/`` and names of files in it."""

    lake: str
    drivers: str
    process_model: str
    observed: str
    hypsography: str | None


class LakeFilesOptions(LakeOptions):
    """Which lake, which files, and how its days are split."""

    lake: Name = Field("mendota", description="folder of the files, below lake/ of the data folder")
    drivers: Name = Field("meteo.csv.gz", description="file of the weather of every day")
    process_model: Name = Field(
        "glm_uncalibrated.csv.gz", description="file of simulated temperatures"
    )
    observed: Name = Field("observed.csv.gz", description="file of observed temperatures")
    hypsography: Name | None = Field(
        "bathymetry.csv", description="file of areas by depth; null: the area of all is the same"
    )
    train_until: IsoDate = Field("2011-12-31", description="last day for training")
    validation_until: IsoDate = Field(
        "2012-12-31", description="last day for validation; the days after it are for the test"
    )

    @model_validator(mode="after")
    def _dates_increase(self) -> "LakeFilesOptions":
        if self.train_until >= self.validation_until:
            raise ValueError(
                f"train_until={self.train_until} does not come before "
                f"validation_until={self.validation_until}"
            )
        return self

    @property
    def reading(self) -> Reading:
        """The lake and its files."""
        return Reading(*(getattr(self, name) for name in Reading._fields))


class Lake(LakeTask):
    """Temperature at all depths of a lake from the weather of every day."""

    Options = LakeFilesOptions
    options: LakeFilesOptions

    def load(self) -> LakeSeries:
        """Return the series of the lake; raise DataError if a file is missing or not right."""
        if self.options.targets == "observed":
            for split, days in self.splits.items():
                self._require_observations(split, days)
        return self._read()

    def _read(self) -> LakeSeries:
        return _read(self.options.reading, store.folders())

    def _require_observations(self, split: SplitName, days: range) -> None:
        """Raise DataError if a split has no observation, before anything is trained."""
        series = self._read()
        if series.observed_celsius[days.start : days.stop].isnan().all():
            first, last = (series.first_day + timedelta(days=n) for n in (days[0], days[-1]))
            raise DataError(
                f"{_FOLDER}: {self.options.observed} of '{self.options.lake}' has no observation "
                f"for {split}, {first} to {last}; choose other dates by task.train_until and "
                "task.validation_until"
            )

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of all series and areas."""
        return {"series": _digest(self.options.reading, store.folders())}

    @property
    def splits(self) -> Mapping[SplitName, range]:
        """The days until either date, and those after both; raise DataError if there are none."""
        series = self._read()
        ends = (self._end("train_until", series), self._end("validation_until", series))
        return {
            "train": range(ends[0]),
            "validation": range(*ends),
            "test": range(ends[1], len(series)),
        }

    def _end(self, key: str, series: LakeSeries) -> int:
        """Return the number of the day after a date."""
        text: str = getattr(self.options, key)
        end = (date.fromisoformat(text) - series.first_day).days + 1
        if not 0 < end < len(series):
            last = series.first_day + timedelta(days=len(series) - 1)
            raise DataError(
                f"{_FOLDER}: {key}={text} leaves no day before or after it, as the days of "
                f"'{self.options.lake}' are {series.first_day} to {last}; choose one among them "
                f"by task.{key}"
            )
        return end


@lru_cache(maxsize=4)
def _read(reading: Reading, folders: tuple[Path, ...]) -> LakeSeries:
    """Return one object for the same lake, as others are cached by it."""

    def path_of(name: str) -> Path:
        return _path(name, reading, folders)

    files = LakeFiles(
        path_of(reading.drivers),
        path_of(reading.process_model),
        path_of(reading.observed),
        path_of(reading.hypsography) if reading.hypsography else None,
    )
    return read(files)


def _path(name: str, reading: Reading, folders: tuple[Path, ...]) -> Path:
    within = [folder / _FOLDER / reading.lake for folder in folders]
    found = next((path for folder in within if (path := folder / name).is_file()), None)
    if found is None:
        raise DataError(
            f"{_FOLDER}: {name} is not in {within[0]}; make it as docs/data.md says, or say by "
            "--data-dir where it lies: it is yours to bring"
        )
    return found


@lru_cache(maxsize=4)
def _digest(reading: Reading, folders: tuple[Path, ...]) -> str:
    """Return the SHA-256 of a lake's first day and of all its numbers, with their shapes."""
    series = _read(reading, folders)
    found = hashlib.sha256(series.first_day.isoformat().encode())
    tensors = (series.drivers, series.simulated_celsius, series.observed_celsius, series.ice)
    for tensor in (series.lake.depths_m, series.lake.areas_m2, *tensors):
        found.update(str(tuple(tensor.shape)).encode())
        found.update(tensor.contiguous().numpy().data)
    return found.hexdigest()
