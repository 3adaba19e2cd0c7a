"""Synthetic lake: its temperature at every depth from the weather, computed without any file.

Jia et al., arXiv:2001.11086, train on such simulations before they train on observations. A small
model of a lake in one dimension has made-up weather and plays the truth; the same model with other
parameters is the process model, about 2 °C off. A day's temperatures are those of noon the day
before, as the General Lake Model's output has them.

N days.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated

import torch
from pydantic import Field

from urnn_bench.events import SplitName
from urnn_bench.physics.made_up_lake import make_lake
from urnn_bench.random_streams import generator
from urnn_bench.tasks._lake import LakeOptions, LakeTask, NotNegative
from urnn_bench.tasks._lake_series import LakeSeries

# the first of January, and a year of another one for the lake to forget its start
_BEFORE, _FIRST_DAY = date(2000, 1, 1), date(2001, 1, 1)

Years = Annotated[int, Field(ge=1, le=100)]


class LakeSyntheticOptions(LakeOptions):
    """Which lake it is, how long it is followed, and how well it is measured."""

    lake_seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="draws the weather and the measurements; it does not follow the run's seed"
    )
    train_years: Years = Field(3, description="first years, which are trained on")
    validation_years: Years = Field(1, description="years after them, which choose the weights")
    test_years: Years = Field(2, description="last years, which the best weights see once")
    depths: Annotated[int, Field(ge=5, le=50)] = Field(
        10,
        description="layers of water, the first at the surface",
        json_schema_extra={"unit": "m"},
    )
    noise_celsius: NotNegative = Field(0.1, description="deviation of a measurement from the truth")

    @property
    def year_counts(self) -> dict[SplitName, int]:
        """The years of every split, in their order."""
        return {
            "train": self.train_years,
            "validation": self.validation_years,
            "test": self.test_years,
        }


class LakeSynthetic(LakeTask):
    """The temperature of a computed lake."""

    Options = LakeSyntheticOptions
    options: LakeSyntheticOptions

    def load(self) -> LakeSeries:
        """Return the series, computed once for the same options."""
        o = self.options
        return synthetic_series(o.lake_seed, sum(o.year_counts.values()), o.depths, o.noise_celsius)

    @property
    def splits(self) -> Mapping[SplitName, range]:
        """The days of the years of each split, one after another."""
        ranges: dict[SplitName, range] = {}
        first = _FIRST_DAY
        for split, years in self.options.year_counts.items():
            last = first.replace(year=first.year + years)
            ranges[split] = range((first - _FIRST_DAY).days, (last - _FIRST_DAY).days)
            first = last
        return ranges


@lru_cache(maxsize=4)
def synthetic_series(seed: int, years: int, depths: int, noise_celsius: float) -> LakeSeries:
    """Return the series of a lake that is computed from a seed."""
    before = (_FIRST_DAY - _BEFORE).days
    count = (_FIRST_DAY.replace(year=_FIRST_DAY.year + years) - _BEFORE).days
    days = [(_BEFORE + timedelta(days=n)).timetuple().tm_yday for n in range(count)]
    day_of_year = torch.tensor(days, dtype=torch.float64)
    rng = generator(seed, "data", "lake_synthetic")
    made = make_lake(day_of_year, before, depths, noise_celsius, rng)
    return LakeSeries(
        _FIRST_DAY,
        made.lake,
        made.drivers,
        made.simulated_celsius,
        made.observed_celsius,
        made.ice,
    )
