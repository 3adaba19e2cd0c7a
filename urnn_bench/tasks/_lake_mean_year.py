"""The mean year of a lake: what was observed at about the same depth and day of other years.

N days, D depths.
"""

from datetime import timedelta
from functools import lru_cache

import torch
from torch import Tensor

from urnn_bench.tasks._lake_series import LakeSeries

# deviations of a Gaussian kernel
_DAYS, _METRES = 10.0, 1.0
_YEAR = 366


@lru_cache(maxsize=8)
def mean_year_celsius(series: LakeSeries, train: range) -> Tensor:
    """Return the kernel mean of all training observations by day of year and depth (N, D)."""
    day = _days_of_year(series)
    observed = series.observed_celsius[train.start : train.stop]
    known = ~observed.isnan()
    shape = _YEAR, observed.shape[1]
    count, total = (
        torch.zeros(shape, dtype=torch.float64).index_add(0, day[train.start : train.stop], values)
        for values in (known.double(), observed.nan_to_num(0.0))
    )
    over_days, over_depths = _kernels(series.lake.depths_m)
    mean = total.sum() / count.sum()
    count, total = (over_days @ grid @ over_depths for grid in (count, total))
    # at a depth far below all observations, the weights are too small for a number
    return torch.where(count > 0, total / count, mean)[day]


def _days_of_year(series: LakeSeries) -> Tensor:
    days = (series.first_day + timedelta(days=n) for n in range(len(series)))
    return torch.tensor([day.timetuple().tm_yday - 1 for day in days])


def _kernels(depths_m: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of days of the year for each other, and of depths."""
    day = torch.arange(_YEAR, dtype=torch.float64)
    apart = (day - day[:, None]).abs()
    apart = torch.minimum(apart, _YEAR - apart)
    metres = depths_m - depths_m[:, None]
    return _gaussian(apart / _DAYS), _gaussian(metres / _METRES)


def _gaussian(deviations: Tensor) -> Tensor:
    return torch.exp(-deviations.square() / 2)
