"""What the surface of a lake gains from the air and the sun, in W/m², daily means.

Jia et al., arXiv:2001.11086, section 3.2; bulk formulas and constants as in Hipsey et al. (2019),
the description of the General Lake Model. A flux is positive if it warms the lake.

T days.
"""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

ALBEDO_SHORT_WAVE, ALBEDO_LONG_WAVE = 0.07, 0.03
EMISSIVITY_WATER = 0.985
STEFAN_BOLTZMANN_W_M2_K4 = 5.67e-8
KELVIN = 273.15
SPECIFIC_HEAT_AIR_J_KG_K = 1005.0
# bulk transfer coefficients at 10 m, of sensible and of latent heat
TRANSFER_SENSIBLE, TRANSFER_LATENT = 0.0013, 0.0013
LATENT_HEAT_J_KG = 2.453e6
PRESSURE_MBAR = 1013.0
# molecular masses of water and of air over each other
WATER_OVER_AIR = 18.016 / 28.966
_GAS_CONSTANT_AIR_J_KG_K = 8314.36 / 28.966
# the wind is given at 2 m, and its profile is logarithmic above a roughness of 1 mm
_WIND_AT_10_M = log(10 / 0.001) / log(2 / 0.001)


@dataclass(frozen=True)
class Weather:
    """Daily means (T, ...): radiation in W/m², °C, relative humidity in per cent, m/s at 2 m."""

    short_wave_w_m2: Tensor
    long_wave_w_m2: Tensor
    air_celsius: Tensor
    humidity_per_cent: Tensor
    wind_m_s: Tensor


def vapour_pressure_mbar(celsius: Tensor) -> Tensor:
    """Return the pressure of saturated vapour, by a formula that is 8 to 9 per cent below tables.

    It is kept, as the output of the General Lake Model balances best with it.
    """
    return 10.0 ** (9.28603523 - 2332.37885 / (celsius + KELVIN))


def air_vapour_pressure_mbar(weather: Weather) -> Tensor:
    """Return the pressure of the vapour that the air holds."""
    return weather.humidity_per_cent / 100 * vapour_pressure_mbar(weather.air_celsius)


def air_density_kg_m3(weather: Weather) -> Tensor:
    """Return the density of moist air at the mean pressure."""
    pressure = air_vapour_pressure_mbar(weather)
    ratio = WATER_OVER_AIR * pressure / (PRESSURE_MBAR - pressure)
    share = (1 + ratio) / (1 + ratio / WATER_OVER_AIR)
    # 100 Pa a mbar
    gas = 100 / _GAS_CONSTANT_AIR_J_KG_K
    return gas * share * PRESSURE_MBAR / (weather.air_celsius + KELVIN)


def back_radiation_w_m2(surface_celsius: Tensor) -> Tensor:
    """Return what the surface radiates, which cools it."""
    kelvin = surface_celsius + KELVIN
    return -EMISSIVITY_WATER * STEFAN_BOLTZMANN_W_M2_K4 * kelvin.square().square()


def sensible_heat_w_m2(surface_celsius: Tensor, weather: Weather) -> Tensor:
    """Return what is exchanged with air of another temperature."""
    factor = SPECIFIC_HEAT_AIR_J_KG_K * TRANSFER_SENSIBLE * _WIND_AT_10_M
    wind = air_density_kg_m3(weather) * weather.wind_m_s
    return -factor * wind * (surface_celsius - weather.air_celsius)


def latent_heat_w_m2(surface_celsius: Tensor, weather: Weather) -> Tensor:
    """Return what evaporation takes, and condensation gives."""
    factor = TRANSFER_LATENT * LATENT_HEAT_J_KG * _WIND_AT_10_M * 0.622 / PRESSURE_MBAR
    excess = vapour_pressure_mbar(surface_celsius) - air_vapour_pressure_mbar(weather)
    return -factor * air_density_kg_m3(weather) * weather.wind_m_s * excess


def absorbed_w_m2(weather: Weather) -> Tensor:
    """Return the short and the long wave that the surface does not reflect."""
    short = weather.short_wave_w_m2 * (1 - ALBEDO_SHORT_WAVE)
    return short + weather.long_wave_w_m2 * (1 - ALBEDO_LONG_WAVE)


def net_heat_w_m2(surface_celsius: Tensor, weather: Weather) -> Tensor:
    """Return the sum of all fluxes into the lake (T, ...)."""
    turbulent = sensible_heat_w_m2(surface_celsius, weather)
    turbulent = turbulent + latent_heat_w_m2(surface_celsius, weather)
    return absorbed_w_m2(weather) + back_radiation_w_m2(surface_celsius) + turbulent


def day_to_day_w_m2(heat_w_m2: Tensor) -> Tensor:
    """Return the mean of each day and the next: (T, ...) to (T - 1, ...)."""
    return torch.lerp(heat_w_m2[:-1], heat_w_m2[1:], 0.5)
