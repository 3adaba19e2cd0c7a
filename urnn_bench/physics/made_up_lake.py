"""A lake that is computed: its weather, its temperatures, a wrong model of it, and measurements.

The process model has the lake's equations and other parameters: its water is less clear, less wind
gets to it and less heat is exchanged between deep layers, so its warm layer is too shallow and its
bottom too cold. Both conserve energy, and neither has an inversion.

N days, D depths.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from urnn_bench.physics.energy import Hypsography
from urnn_bench.physics.fluxes import Weather
from urnn_bench.physics.lake_model import (
    LakeParameters,
    at_rest,
    days_of,
    lake_model,
    simulate,
)
from urnn_bench.physics.weather import made_up_weather

LATITUDE_DEGREES = 43.0
SURFACE_M2 = 1e6
# the lake and the process model
PARAMETERS = LakeParameters(
    extinction_per_m=np.array([0.5, 0.6]),
    wind_factor=np.array([0.55, 0.45]),
    deep_factor=np.array([1.2, 0.9]),
)
# how many days are measured in open water and through ice, and how many depths of such a day
_MEASURED_OPEN, _MEASURED_ICE, _MEASURED_DEPTHS = 0.4, 0.05, 0.9
_START_CELSIUS = 4.0
# A processor rounds in another way than the next one. Rounding here makes what both compute the
# same to the bit.
_DECIMALS = 6


@dataclass(frozen=True)
class MadeUpLake:
    """A shape, weather (N, 7), temperatures (N, D) and ice (N) of days.

    Temperatures and ice of a day are those of noon and of the hours around it the day before, as
    in the output of the General Lake Model. ``observed_celsius`` is nan where nobody has measured.
    """

    lake: Hypsography
    drivers: Tensor
    true_celsius: Tensor
    simulated_celsius: Tensor
    observed_celsius: Tensor
    ice: Tensor


def make_lake(
    day_of_year: Tensor, before: int, depths: int, noise_celsius: float, rng: torch.Generator
) -> MadeUpLake:
    """Return a lake of so many depths, a metre apart, after ``before`` of the days in a row.

    These, at least one, let it forget its start.
    """
    drivers = made_up_weather(day_of_year, LATITUDE_DEGREES, rng).round(decimals=_DECIMALS)
    lake = hypsography(depths)
    weather = Weather(*drivers.unbind(-1)[:5])
    noons, frozen = _simulated(lake, weather)
    # a day has the noon before it
    days = slice(before - 1, -1)
    truth, simulated = noons[days].round(decimals=_DECIMALS).unbind(1)
    ice = frozen[days].any(dim=-1)
    observed = measured(truth, ice, noise_celsius, rng).round(decimals=_DECIMALS)
    return MadeUpLake(lake, drivers[before:], truth, simulated, observed, ice)


def hypsography(depths: int) -> Hypsography:
    """Return a lake as deep as it has layers of a metre, whose area falls linearly to nothing."""
    depths_m = torch.arange(depths, dtype=torch.float64)
    return Hypsography(depths_m, SURFACE_M2 * (1 - depths_m / depths))


def _simulated(lake: Hypsography, weather: Weather) -> tuple[Tensor, Tensor]:
    """Return noon temperatures (N, 2, D) and ice (N, 2) of the lake and its process model."""
    days = days_of(weather, lake, LATITUDE_DEGREES, PARAMETERS)
    start = at_rest(len(PARAMETERS.wind_factor), len(lake.depths_m), _START_CELSIUS)
    return simulate(lake_model(lake, PARAMETERS), start, days)


def measured(celsius: Tensor, ice: Tensor, noise_celsius: float, rng: torch.Generator) -> Tensor:
    """Return noisy temperatures (N, D) of some days and most of their depths, nan elsewhere."""
    chance = torch.where(ice, _MEASURED_ICE, _MEASURED_OPEN)
    is_measured = torch.rand(len(ice), generator=rng, dtype=torch.float64) < chance
    has_depth = torch.rand(celsius.shape, generator=rng, dtype=torch.float64) < _MEASURED_DEPTHS
    noise = noise_celsius * torch.randn(celsius.shape, generator=rng, dtype=torch.float64)
    return (celsius + noise).where(is_measured[:, None] & has_depth, torch.nan)
