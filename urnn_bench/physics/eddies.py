"""How fast heat diffuses in a lake: eddies that the wind drives and that stability damps.

W columns of water, D depths.
"""

from math import radians, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench.physics.water import density_kg_m3

Array = NDArray[np.float64]

GRAVITY_M_S2 = 9.81
VON_KARMAN = 0.4
MOLECULAR_M2_S = 1.43e-7
# the formula of deep eddies holds from this stability on
_LEAST_STABILITY_PER_S2 = 7.5e-5
# below these there is no motion, and quotients stay finite
_LEAST_WIND_M_S, _LEAST_MOTION_M_S = 0.1, 1e-30


class WindEddies(NamedTuple):
    """What the wind does between layers (..., W, D - 1): in water without layers, and how damped.

    ``damped_s2`` multiplies the stability.
    """

    neutral_m2_s: Array
    damped_s2: Array


def stability_per_s2(celsius: Array, depths_m: Array) -> Array:
    """Return the squared buoyancy frequency between layers (W, D - 1), at least 0."""
    density = density_kg_m3(celsius)
    rise = density[..., 1:] - density[..., :-1]
    return np.maximum(GRAVITY_M_S2 / 1000 / np.diff(depths_m) * rise, 0.0)


def wind_eddies(wind_m_s: Array, depths_m: Array, latitude_degrees: float) -> WindEddies:
    """Return the eddies that the wind (..., W) at 2 m makes.

    Henderson-Sellers (1985), Applied Mathematical Modelling 9: w* = 0.0012 U, k* = 6.6 √sin φ
    U^-1.84; neutral is κ w* z e^(-k* z), and the damping is 40 κ² z² / (w* e^(-k* z))².
    """
    wind, z = np.maximum(wind_m_s, _LEAST_WIND_M_S)[..., None], depths_m[1:]
    decay = 6.6 * sin(radians(abs(latitude_degrees))) ** 0.5 * wind**-1.84
    moving = np.maximum(0.0012 * wind * np.exp(-decay * z), _LEAST_MOTION_M_S)
    return WindEddies(VON_KARMAN * z * moving, 40 * (VON_KARMAN * z / moving) ** 2)


def wind_diffusivity_m2_s(stability: Array, eddies: WindEddies) -> Array:
    """Return what the wind's eddies diffuse (W, D - 1): neutral / (1 + 37 Ri²), same source."""
    richardson = (np.sqrt(1 + stability * eddies.damped_s2) - 1) / 20
    diffusivity: Array = eddies.neutral_m2_s / (1 + 37 * richardson * richardson)
    return diffusivity


def deep_diffusivity_m2_s(stability: Array) -> Array:
    """Return what molecules diffuse and the eddies that are there without wind (W, D - 1).

    Fang and Stefan (1996), Limnology and Oceanography 41: 1.04e-8 (N²)^-0.43.
    """
    return MOLECULAR_M2_S + 1.04e-8 * np.maximum(stability, _LEAST_STABILITY_PER_S2) ** -0.43
