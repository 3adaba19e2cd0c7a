"""Weather that is made up day by day: what drives a lake, without a file.

Daily means of a place in the middle latitudes. Seasons are cosines and what is left of a day to the
next is noise of the first order. The numbers below are round ones near the monthly means and the
deviations of Lake Mendota's weather (43° N) from 2009 to 2017.

N days.
"""

from math import pi

import torch
from torch import Tensor

from urnn_bench.physics.fluxes import KELVIN, STEFAN_BOLTZMANN_W_M2_K4, vapour_pressure_mbar

DAYS_A_YEAR = 365.25
SOLAR_CONSTANT_W_M2 = 1367.0
# shares of the radiation above the air that a dark and a cloudless day let through: Allen et al.
# (1998), FAO Irrigation and Drainage Paper 56, equation 35
CLOUDY_SHARE, CLEAR_SHARE = 0.25, 0.75
# metres of fresh snow that a metre of water makes
_SNOW_PER_WATER = 10.0


def made_up_weather(day_of_year: Tensor, latitude_degrees: float, rng: torch.Generator) -> Tensor:
    """Return short and long wave, air, humidity, wind, rain and snow of days (N) as (N, 7).

    They are in W/m², W/m², °C, per cent, m/s at 2 m, m a day and m a day, in float64.
    """
    days = len(day_of_year)
    cloud = cloudiness(day_of_year, rng)
    air = 10.0 + season(day_of_year, 14.0, 203)
    air = air + (4.7 + season(day_of_year, 1.6, 20)) * persistent_noise(days, 0.75, rng)
    humidity = (60 + 22 * cloud + 8.5 * persistent_noise(days, 0.55, rng)).clamp(30, 99)
    wind = (1.54 + season(day_of_year, 0.1, 345) + 0.32 * persistent_noise(days, 0.35, rng)).exp()
    short = short_wave_w_m2(day_of_year, latitude_degrees, cloud)
    long = long_wave_w_m2(air, humidity / 100 * vapour_pressure_mbar(air), cloud)
    water = water_m(day_of_year, cloud, rng)
    freezes = air < 0
    rain, snow = water.where(~freezes, 0.0), (_SNOW_PER_WATER * water).where(freezes, 0.0)
    return torch.stack([short, long, air, humidity, wind, rain, snow], dim=-1)


def season(day_of_year: Tensor, amplitude: float, highest_day: float) -> Tensor:
    """Return a cosine over the year (N)."""
    return amplitude * torch.cos(2 * pi / DAYS_A_YEAR * (day_of_year - highest_day))


def persistent_noise(days: int, remains: float, rng: torch.Generator) -> Tensor:
    """Return autoregressive noise of deviation 1 (N); ``remains`` is its correlation by a day."""
    fresh = torch.randn(days, generator=rng, dtype=torch.float64).tolist()
    scale = (1 - remains**2) ** 0.5
    values = fresh[:1]
    for shock in fresh[1:]:
        values.append(remains * values[-1] + scale * shock)
    return torch.tensor(values, dtype=torch.float64)


def cloudiness(day_of_year: Tensor, rng: torch.Generator) -> Tensor:
    """Return the share of the sky that is cloudy (N), more in winter."""
    grey = 0.1 + season(day_of_year, 0.5, 15)
    cloud: Tensor = torch.special.ndtr(persistent_noise(len(day_of_year), 0.3, rng) + grey)
    return cloud


def radiation_above_air_w_m2(day_of_year: Tensor, latitude_degrees: float) -> Tensor:
    """Return the daily mean on a level plane (N); Allen et al. (1998), equations 21 to 25.

    Raises ValueError for latitudes where the sun does not rise or set every day.
    """
    if abs(latitude_degrees) > 66:
        raise ValueError(f"a latitude is from -66 to 66 degrees, not {latitude_degrees}")
    year = 2 * pi / 365 * day_of_year
    latitude = torch.tensor(latitude_degrees, dtype=torch.float64).deg2rad()
    declination = 0.409 * torch.sin(year - 1.39)
    sunset = torch.acos(-latitude.tan() * declination.tan())
    height = sunset * latitude.sin() * declination.sin()
    height = height + latitude.cos() * declination.cos() * sunset.sin()
    return SOLAR_CONSTANT_W_M2 / pi * (1 + 0.033 * year.cos()) * height


def short_wave_w_m2(day_of_year: Tensor, latitude_degrees: float, cloud: Tensor) -> Tensor:
    """Return what arrives below clouds (N)."""
    share = CLEAR_SHARE + (CLOUDY_SHARE - CLEAR_SHARE) * cloud
    return share * radiation_above_air_w_m2(day_of_year, latitude_degrees)


def long_wave_w_m2(air_celsius: Tensor, vapour_mbar: Tensor, cloud: Tensor) -> Tensor:
    """Return what the sky radiates (N).

    Brutsaert (1975), Water Resources Research 11, for a clear sky; Unsworth and Monteith (1975),
    Quarterly Journal of the Royal Meteorological Society 101, for clouds.
    """
    kelvin = air_celsius + KELVIN
    clear = 1.24 * (vapour_mbar / kelvin) ** (1 / 7)
    emissivity = (1 - 0.84 * cloud) * clear + 0.84 * cloud
    return emissivity * STEFAN_BOLTZMANN_W_M2_K4 * kelvin**4


def water_m(day_of_year: Tensor, cloud: Tensor, rng: torch.Generator) -> Tensor:
    """Return the water that falls on days (N), as rain or snow; more in summer, none without cloud.

    The amounts of wet days have an exponential distribution.
    """
    chance, share = torch.rand(2, len(cloud), generator=rng, dtype=torch.float64)
    amount = -torch.log1p(-share) * (0.0045 + season(day_of_year, 0.0035, 180))
    return amount.where(chance < 0.8 * cloud, 0.0)
