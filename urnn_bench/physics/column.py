"""Heat in a column of water: light that is absorbed, diffusion, and mixing of unstable layers.

All three conserve heat if the heat of a volume is proportional to its temperature. The layers are
those of ``Hypsography``: layer d begins at depth d, where its area is given, so all heat and light
that passes from one layer to the next goes through the area of the lower one. A day of a lake is
many operations on few numbers, for which numpy is several times as fast as torch.

W columns of water, D depths.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urnn_bench.physics.energy import Hypsography
from urnn_bench.physics.water import SPECIFIC_HEAT_J_KG_K, density_excess_kg_m3

# a column's heat is counted with one density, so that mixing conserves heat and volume at once
HEAT_CAPACITY_J_M3_K = 1000.0 * SPECIFIC_HEAT_J_KG_K

Array = NDArray[np.float64]


class Layers(NamedTuple):
    """Depths, areas, volumes and heat capacities of layers (D), and their exchange (D - 1).

    Capacities are per area of the surface. ``exchange_m`` is the area between two layers over the
    distance of their middles.
    """

    depths_m: Array
    areas_m2: Array
    volumes_m3: Array
    capacity_j_m2_k: Array
    exchange_m: Array


def layers_of(lake: Hypsography) -> Layers:
    """Return the layers of a lake."""
    depths, areas = lake.depths_m.double().numpy(), lake.areas_m2.double().numpy()
    volumes = lake.volumes_m3.double().numpy()
    thickness = volumes / areas
    apart = (thickness[1:] + thickness[:-1]) / 2
    capacity = HEAT_CAPACITY_J_M3_K * volumes / areas[0]
    return Layers(depths, areas, volumes, capacity, areas[1:] / apart)


def light_shares(extinction_per_m: Array, layers: Layers) -> Array:
    """Return the share of light that each layer absorbs: (W) to (W, D), with sum 1.

    Light falls off exponentially (Beer and Lambert). Light that meets the bottom warms the layer
    there.
    """
    light = np.exp(-extinction_per_m[..., None] * layers.depths_m)
    passing = light * (layers.areas_m2 / layers.areas_m2[0])
    shares: Array = -np.diff(passing, append=0.0)
    return shares


def diffused(celsius: Array, diffusivity_m2_s: Array, layers: Layers, step_s: float) -> Array:
    """Return temperatures (W, D) after a step of diffusion between layers (W, D - 1).

    The step is backward Euler: stable at any length, and it makes no new extremes.
    """
    exchanged_m3 = diffusivity_m2_s * (layers.exchange_m * step_s)
    down, up = exchanged_m3 / layers.volumes_m3[:-1], exchanged_m3 / layers.volumes_m3[1:]
    columns, depths = celsius.shape
    system = np.zeros((columns, depths * depths))
    # entries of a row after another: the diagonal, and beside it what passes down and up
    diagonal = system[:, :: depths + 1]
    diagonal += 1.0
    diagonal[:, :-1] += down
    diagonal[:, 1:] += up
    system[:, 1 :: depths + 1] = -down
    system[:, depths :: depths + 1] = -up
    matrix = system.reshape(columns, depths, depths)
    return np.asarray(np.linalg.solve(matrix, celsius[..., None])[..., 0], dtype=np.float64)


def mixed(celsius: Array, volumes_m3: Array) -> Array:
    """Return columns (W, D) in which no layer is denser than the one below.

    Unstable neighbours are mixed, and mixed again with layers that are unstable to their mixture.
    """
    joined = np.zeros_like(celsius[:, 1:], dtype=np.bool_)
    while True:
        unstable = density_excess_kg_m3(celsius) > 0
        if not unstable.any():
            return celsius
        joined |= unstable
        celsius = _mixed_groups(celsius, volumes_m3, joined)


def _mixed_groups(celsius: Array, volumes_m3: Array, joined: NDArray[np.bool_]) -> Array:
    """Mix the layers (W, D) that are joined to the next one (W, D - 1)."""
    begins = np.ones_like(celsius, dtype=np.bool_)
    begins[:, 1:] = ~joined
    # groups of all columns are numbered on
    group = begins.ravel().cumsum() - 1
    volumes = (volumes_m3 + np.zeros_like(celsius)).ravel()
    heat = np.bincount(group, volumes * celsius.ravel())
    mixture: Array = (heat / np.bincount(group, volumes))[group].reshape(celsius.shape)
    return mixture
