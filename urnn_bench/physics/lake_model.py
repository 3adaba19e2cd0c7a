"""A lake in one dimension: the fluxes at its surface, light, diffusion, mixing and ice.

The heat of a step is conserved: what water and ice gain is what came in.

Ice is heat that is missing: what would cool the water below 0 °C is owed, as ice to be melted. Ice
reflects more light, lets none through and insulates: it loses less the thicker it is. Water below
it neither gains nor loses until the ice is gone.

N days, W columns of water with parameters of their own, D depths.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from urnn_bench.physics.column import Array, Layers, diffused, layers_of, light_shares, mixed
from urnn_bench.physics.eddies import (
    WindEddies,
    deep_diffusivity_m2_s,
    stability_per_s2,
    wind_diffusivity_m2_s,
    wind_eddies,
)
from urnn_bench.physics.energy import SECONDS_A_DAY, Hypsography
from urnn_bench.physics.fluxes import ALBEDO_SHORT_WAVE, Weather
from urnn_bench.physics.surface import Surface, surface_heat_w_m2, surface_of

ALBEDO_ICE = 0.6
# the latent heat of fusion times the density of ice
FUSION_J_M3 = 3.34e5 * 917
ICE_CONDUCTIVITY_W_M_K = 2.2
# what a surface near 0 °C loses more for each degree: back radiation, sensible and latent heat
EXCHANGE_W_M2_K = 20.0
# of the light that is not reflected, the infra-red, which the first layer absorbs
INFRA_RED_SHARE = 0.45
# two steps, so that a day has a noon
STEP_S = SECONDS_A_DAY / 2


@dataclass(frozen=True)
class LakeParameters:
    """What lakes of one shape differ in, W numbers each: a process model may have it wrong.

    ``wind_factor`` is the share of the wind that stirs the water, ``deep_factor`` multiplies the
    diffusivity that does not depend on the wind.
    """

    extinction_per_m: Array
    wind_factor: Array
    deep_factor: Array


class LakeState(NamedTuple):
    """Temperatures (W, D) and the heat per area (W) that melts all ice."""

    celsius: Array
    owed_j_m2: Array


class LakeModel(NamedTuple):
    """The layers, the light that each absorbs (W, D) and the factor of deep diffusion (W, 1)."""

    layers: Layers
    light: Array
    deep_factor: Array


class Day(NamedTuple):
    """What the weather of a day is to W lakes; every field may have an axis (N) before."""

    surface: Surface
    short_wave_w_m2: Array
    eddies: WindEddies


def lake_model(lake: Hypsography, parameters: LakeParameters) -> LakeModel:
    """Return a model of W columns of one shape."""
    layers = layers_of(lake)
    light = light_shares(parameters.extinction_per_m, layers)
    return LakeModel(layers, light, parameters.deep_factor[:, None])


def days_of(
    weather: Weather, lake: Hypsography, latitude_degrees: float, parameters: LakeParameters
) -> list[Day]:
    """Return what weather (N) is to W lakes, day by day."""
    wind = weather.wind_m_s.numpy()[:, None] * parameters.wind_factor
    eddies = wind_eddies(wind, lake.depths_m.double().numpy(), latitude_degrees)
    surfaces = zip(*surface_of(weather), strict=True)
    short, stirred = weather.short_wave_w_m2.numpy(), zip(*eddies, strict=True)
    return [
        Day(Surface(*s), w, WindEddies(*e))
        for s, w, e in zip(surfaces, short, stirred, strict=True)
    ]


def at_rest(columns: int, depths: int, celsius: float) -> LakeState:
    """Return lakes of one temperature, without ice."""
    return LakeState(np.full((columns, depths), celsius), np.zeros(columns))


def total_heat_j_m2(state: LakeState, layers: Layers) -> Array:
    """Return the heat per area above 0 °C, less what melts the ice (W)."""
    heat: Array = state.celsius @ layers.capacity_j_m2_k - state.owed_j_m2
    return heat


def simulate(model: LakeModel, start: LakeState, days: list[Day]) -> tuple[Tensor, Tensor]:
    """Return temperatures at noon (N, W, D) and where there was ice that day (N, W).

    The weather is the same all day, so from noon to noon a lake gains the mean flux of two days.
    """
    state, noons, frozen = start, [], []
    for day in days:
        noon, _ = step(model, state, day)
        night, _ = step(model, noon, day)
        noons.append(noon.celsius)
        frozen.append(np.maximum(state.owed_j_m2 + noon.owed_j_m2, night.owed_j_m2) > 0)
        state = night
    return torch.from_numpy(np.stack(noons)), torch.from_numpy(np.stack(frozen))


def step(model: LakeModel, state: LakeState, day: Day) -> tuple[LakeState, Array]:
    """Return the state half a day later, and the heat per area that came in, in J/m² (W)."""
    frozen = state.owed_j_m2 > 0
    gain = surface_heat_w_m2(np.where(frozen, 0.0, state.celsius[:, 0]), day.surface)
    came_in = STEP_S * np.where(frozen, ice_gain_w_m2(gain, state, day), gain)
    left = state.owed_j_m2 - np.where(frozen, came_in, 0.0)
    # what is left of the heat when the last ice has melted warms the water
    to_water = np.where(frozen, np.maximum(-left, 0.0), came_in)
    below_skin = np.where(frozen, 0.0, penetrating_j_m2(day))
    gained = below_skin[:, None] * model.light
    gained[:, 0] += to_water - below_skin
    celsius = stirred(model, state.celsius + gained / model.layers.capacity_j_m2_k, frozen, day)
    return _freeze(model.layers, celsius, np.maximum(left, 0.0)), came_in


def ice_gain_w_m2(at_zero_w_m2: Array, state: LakeState, day: Day) -> Array:
    """Return what ice gains (W) from what open water of 0 °C would gain."""
    gain = at_zero_w_m2 - (ALBEDO_ICE - ALBEDO_SHORT_WAVE) * day.short_wave_w_m2
    # heat is lost through the ice and then from its top, which is colder than 0 °C
    per_owed = EXCHANGE_W_M2_K / (ICE_CONDUCTIVITY_W_M_K * FUSION_J_M3)
    return np.where(gain > 0, gain, gain / (1 + per_owed * state.owed_j_m2))


def penetrating_j_m2(day: Day) -> Array:
    """Return the light of a step that passes the skin of the water."""
    share = (1 - ALBEDO_SHORT_WAVE) * (1 - INFRA_RED_SHARE)
    return STEP_S * share * day.short_wave_w_m2


def stirred(model: LakeModel, celsius: Array, frozen: NDArray[np.bool_], day: Day) -> Array:
    """Return temperatures (W, D) after a step of diffusion and mixing; ice keeps the wind off."""
    layers = model.layers
    stability = stability_per_s2(celsius, layers.depths_m)
    by_wind = np.where(frozen[:, None], 0.0, wind_diffusivity_m2_s(stability, day.eddies))
    diffusivity = by_wind + model.deep_factor * deep_diffusivity_m2_s(stability)
    return mixed(diffused(celsius, diffusivity, layers, STEP_S), layers.volumes_m3)


def _freeze(layers: Layers, celsius: Array, owed_j_m2: Array) -> LakeState:
    """Turn the heat that is missing in water below 0 °C into ice."""
    missing = np.maximum(-celsius, 0.0) @ layers.capacity_j_m2_k
    return LakeState(np.maximum(celsius, 0.0), owed_j_m2 + missing)
