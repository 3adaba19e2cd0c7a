"""What a predicted temperature costs: its error, the energy it does not keep, and inversions.

Jia et al., arXiv:2001.11086, equations 4 to 9. T days, W windows, D depths, B = W D sequences with
the depths of a window in a row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from urnn_bench.physics.energy import Hypsography, energy_imbalance_w_m2
from urnn_bench.physics.fluxes import Weather
from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3

# the square root has no slope at 0
_LEAST_SQUARE = 1e-12


@dataclass(frozen=True)
class Prediction:
    """Temperatures (T, W, D), the weather (T, W), and which days count and are free of ice."""

    celsius: Tensor
    weather: Weather
    lake: Hypsography
    scored: Tensor
    ice_free: Tensor

    def imbalance_w_m2(self) -> Tensor:
        """Return the energy imbalance of every two days (T - 2, W)."""
        return energy_imbalance_w_m2(self.celsius, self.weather, self.lake)

    def balanced_days(self) -> Tensor:
        """Return which of these count (T - 2, W): no ice on either day."""
        return self.ice_free[1:-1] & self.ice_free[2:] & self.scored[2:]

    def excess_kg_m3(self) -> Tensor:
        """Return by how much each depth is denser than the next one (T, W, D - 1)."""
        excess: Tensor = density_excess_kg_m3(self.celsius)
        return excess


def energy_loss_w_m2(prediction: Prediction, threshold_w_m2: float) -> Tensor:
    """Return by how much the mean imbalance of a window is above a threshold, mean over windows.

    As the authors' code has it; their equation 6 takes the threshold from every day.
    """
    counts = prediction.balanced_days()
    size = torch.where(counts, prediction.imbalance_w_m2().abs(), 0.0)
    means = size.sum(0) / counts.sum(0).clamp(min=1)
    return (means - threshold_w_m2).relu().mean()


def density_loss_kg_m3(prediction: Prediction) -> Tensor:
    """Return by how much a depth is denser than the one below, mean over pairs and days."""
    excess = prediction.excess_kg_m3().relu().mean(-1)
    counts = prediction.scored
    return torch.where(counts, excess, 0.0).sum() / counts.sum().clamp(min=1)


def root_mean_square(errors: Tensor, counts: Tensor) -> Tensor:
    """Return the root of the mean square of the errors that count, near 0 if none does."""
    square = torch.where(counts, errors.square(), 0.0).sum() / counts.sum().clamp(min=1)
    return square.clamp(min=_LEAST_SQUARE).sqrt()


def inverted(prediction: Prediction) -> Tensor:
    """Return where a depth is denser than the one below on days that count (T, W, D - 1)."""
    excess = prediction.excess_kg_m3() > INVERSION_KG_M3
    return excess & prediction.scored[..., None]
