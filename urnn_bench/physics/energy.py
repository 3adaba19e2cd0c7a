"""The heat that a lake holds, and whether what it gains is what came through its surface.

Jia et al., arXiv:2001.11086, section 3.2. T days, W columns of water, D depths from the surface.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.physics.fluxes import Weather, day_to_day_w_m2, net_heat_w_m2
from urnn_bench.physics.water import SPECIFIC_HEAT_J_KG_K, density_kg_m3

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class Hypsography:
    """Areas of a lake (D) at its depths (D), which increase from the surface."""

    depths_m: Tensor
    areas_m2: Tensor

    @property
    def volumes_m3(self) -> Tensor:
        """The layers that begin at each depth; the last is as thick as the one above."""
        thickness = self.depths_m.diff()
        return self.areas_m2 * torch.cat([thickness, thickness[-1:]])

    @property
    def mean_depth_m(self) -> float:
        """The volume over the area of the surface."""
        return float(self.volumes_m3.sum() / self.areas_m2[0])


def lake_energy_j(celsius: Tensor, lake: Hypsography) -> Tensor:
    """Return the heat of a lake above 0 °C: (..., D) to (...)."""
    heat_j_m3 = SPECIFIC_HEAT_J_KG_K * density_kg_m3(celsius) * celsius
    return heat_j_m3 @ lake.volumes_m3.to(celsius)


def energy_gain_w_m2(celsius: Tensor, lake: Hypsography) -> Tensor:
    """Return the heat gained from each day to the next, per area: (T, ..., D) to (T - 1, ...)."""
    heat_j_m3 = SPECIFIC_HEAT_J_KG_K * density_kg_m3(celsius) * celsius
    weights = lake.volumes_m3 / (SECONDS_A_DAY * lake.areas_m2[0])
    # the difference before the sum: in float32 the other order loses ten times as much to rounding
    return heat_j_m3.diff(dim=0) @ weights.to(celsius)


def energy_imbalance_w_m2(celsius: Tensor, weather: Weather, lake: Hypsography) -> Tensor:
    """Return gain minus flux of every two days: (T, W, D) and weather (T, W) to (T - 2, W).

    The gain from day t + 1 to t + 2 goes with the mean flux of the days t and t + 1. This is right
    where the temperatures of a day are those of noon the day before and weather is its mean, as in
    the output of the process model; without the lag the imbalance is several times as large.
    """
    gain = energy_gain_w_m2(celsius, lake)[1:]
    flux = day_to_day_w_m2(net_heat_w_m2(celsius[..., 0], weather))[:-1]
    return gain - flux
