"""What a network is given of a lake, scaled by the training days, and which observations it sees.

N days, D depths, F inputs.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.physics.fluxes import Weather
from urnn_bench.random_streams import generator
from urnn_bench.tasks._labelled_series import ROUNDING, Moments, moments
from urnn_bench.tasks._lake_series import DRIVERS, LakeSeries, weather_of

# day of the year and depth come before the drivers, the process model's temperature after them
_BEFORE = 2
INPUTS = _BEFORE + len(DRIVERS)


@dataclass(frozen=True)
class Scales:
    """Moments of the inputs without the process model's, and of what that has simulated."""

    inputs: Moments
    mean_celsius: float
    deviation_celsius: float

    def celsius(self, output: Tensor) -> Tensor:
        """Return what outputs are in °C."""
        return self.mean_celsius + self.deviation_celsius * output

    def output(self, celsius: Tensor) -> Tensor:
        """Return the outputs that temperatures are."""
        return (celsius - self.mean_celsius) / self.deviation_celsius

    def weather(self, x: Tensor) -> Weather:
        """Return the weather (...) of inputs (..., F)."""
        mean, deviation = (torch.as_tensor(part[_BEFORE:]).to(x) for part in self.inputs)
        return weather_of(mean + deviation * x[..., _BEFORE:INPUTS])


@lru_cache(maxsize=8)
def scales(series: LakeSeries, train: range) -> Scales:
    """Return how inputs and outputs are scaled, by the training days alone."""
    days = slice(train.start, train.stop)
    depths = series.lake.depths_m.numpy()[:, None]
    by_day = np.column_stack([_day_of_year(series)[days], series.drivers[days].numpy()])
    of_days, of_depths = moments(by_day), moments(depths)
    of_simulated = moments(series.simulated_celsius[days].reshape(-1, 1).numpy())
    inputs = (np.insert(a, 1, b) for a, b in zip(of_days, of_depths, strict=True))
    mean, deviation = Moments(*inputs)
    # what does not change in training, such as snow in a warm country, becomes 0
    scaled = Moments(mean, _or_one(deviation, mean))
    of_output = _or_one(of_simulated.deviation, of_simulated.mean)
    return Scales(scaled, float(of_simulated.mean[0]), float(of_output[0]))


def _or_one(deviation: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return deviations, 1 for what does not change."""
    return np.where(deviation <= ROUNDING * np.abs(mean), 1.0, deviation)


@lru_cache(maxsize=4)
def inputs(series: LakeSeries, train: range) -> Tensor:
    """Return the scaled inputs (N, D, F), the process model's temperature last."""
    by, shape = scales(series, train), series.simulated_celsius.shape
    parts = [torch.as_tensor(_day_of_year(series))[:, None], series.lake.depths_m[None]]
    parts += [driver[:, None] for driver in series.drivers.unbind(-1)]
    features = torch.stack([part.expand(shape) for part in parts], dim=-1)
    mean, deviation = map(torch.as_tensor, by.inputs)
    simulated = by.output(series.simulated_celsius)
    return torch.cat([(features - mean) / deviation, simulated[..., None]], dim=-1)


def _day_of_year(series: LakeSeries) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    days = (series.first_day + timedelta(days=n) for n in range(len(series)))
    return np.array([day.timetuple().tm_yday for day in days], dtype=np.float64)


@lru_cache(maxsize=64)
def seen_cells(
    series: LakeSeries, split: SplitName, days: range, share: float, draw: int
) -> Tensor:
    """Return which observations of a split are seen (N, D), at least one.

    Those of a smaller share are among those of a larger one. Raises DataError if a split has none.
    """
    is_observed = torch.zeros_like(series.observed_celsius, dtype=torch.bool)
    is_observed[days.start : days.stop] = ~series.observed_celsius[days.start : days.stop].isnan()
    cells = is_observed.flatten().nonzero().flatten()
    if not len(cells):
        first, last = (
            series.first_day + timedelta(days=day) for day in (days.start, days.stop - 1)
        )
        raise DataError(
            f"there is no observation for {split}, from {first} to {last}; choose other dates"
        )
    order = torch.randperm(len(cells), generator=generator(draw, "data", "observations", split))
    kept = cells[order[: max(1, round(share * len(cells)))]]
    seen = torch.zeros(is_observed.numel(), dtype=torch.bool)
    seen[kept] = True
    return seen.view_as(is_observed)
