"""The fluxes through a surface for many temperatures of the same weather, computed quickly.

Here the terms that depend on the weather alone are kept. ``fluxes.net_heat_w_m2`` is the
definition.
"""

from typing import NamedTuple

import torch

from urnn_bench.physics.column import Array
from urnn_bench.physics.fluxes import (
    EMISSIVITY_WATER,
    KELVIN,
    STEFAN_BOLTZMANN_W_M2_K4,
    Weather,
    absorbed_w_m2,
    latent_heat_w_m2,
    sensible_heat_w_m2,
    vapour_pressure_mbar,
)


class Surface(NamedTuple):
    """Terms of days (N): what is gained at 0 °C and at no vapour, and lost per degree and mbar."""

    gained_w_m2: Array
    lost_w_m2_k: Array
    lost_w_m2_mbar: Array


def surface_of(weather: Weather) -> Surface:
    """Return the terms of weather (N)."""
    zero, one = torch.zeros_like(weather.air_celsius), torch.ones_like(weather.air_celsius)
    sensible = sensible_heat_w_m2(zero, weather)
    latent = latent_heat_w_m2(zero, weather)
    # both are linear: in the temperature, and in the vapour pressure of the surface
    per_degree = sensible - sensible_heat_w_m2(one, weather)
    rise = vapour_pressure_mbar(one) - vapour_pressure_mbar(zero)
    per_mbar = (latent - latent_heat_w_m2(one, weather)) / rise
    gained = absorbed_w_m2(weather) + sensible + latent + per_mbar * vapour_pressure_mbar(zero)
    return Surface(gained.numpy(), per_degree.numpy(), per_mbar.numpy())


def surface_heat_w_m2(celsius: Array, surface: Surface) -> Array:
    """Return the sum of all fluxes for surface temperatures (..., W) and terms (..., 1)."""
    kelvin = celsius + KELVIN
    square = kelvin * kelvin
    radiated = EMISSIVITY_WATER * STEFAN_BOLTZMANN_W_M2_K4 * square * square
    turbulent = surface.lost_w_m2_k * celsius
    evaporated = surface.lost_w_m2_mbar * 10.0 ** (9.28603523 - 2332.37885 / kelvin)
    return surface.gained_w_m2 - radiated - turbulent - evaporated
