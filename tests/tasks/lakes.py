"""A made-up lake: ten layers of 1 m, a warm half of the year and a cold one, and no noise."""

from datetime import date

import torch

from urnn_bench.physics.energy import Hypsography
from urnn_bench.tasks._lake import LakeOptions, LakeTask
from urnn_bench.tasks._lake_series import LakeSeries

DAYS, DEPTHS = 400, 10
SPLITS = {"train": range(200), "validation": range(200, 300), "test": range(300, DAYS)}


def made_up(days=DAYS, depths=DEPTHS, ice_days=()):
    """Return a lake that is colder below, with weather that follows the year."""
    rng = torch.Generator().manual_seed(1)
    day, depth = torch.arange(days, dtype=torch.float64), torch.arange(depths, dtype=torch.float64)
    season = torch.sin(2 * torch.pi * day / 365)
    simulated = 12 + 8 * season[:, None] * torch.exp(-depth / 5) - 0.1 * depth
    noise = torch.rand(days, 7, generator=rng, dtype=torch.float64)
    centre = torch.tensor([200, 300, 12, 70, 4, 0, 0], dtype=torch.float64)
    change = torch.tensor([100, 50, 10, 0, 0, 0, 0], dtype=torch.float64)
    width = torch.tensor([20, 20, 2, 10, 2, 0.01, 0.001], dtype=torch.float64)
    drivers = centre + season[:, None] * change + width * noise
    observed = simulated + 1.0
    observed[torch.rand(days, depths, generator=rng) < 0.5] = torch.nan
    ice = torch.zeros(days, dtype=torch.bool)
    ice[list(ice_days)] = True
    lake = Hypsography(depth, torch.linspace(100.0, 10.0, depths, dtype=torch.float64))
    return LakeSeries(date(2001, 1, 1), lake, drivers, simulated, observed, ice)


class MadeUpLake(LakeTask):
    """A task of a made-up lake."""

    Options = LakeOptions

    def __init__(self, options, series=None, splits=SPLITS):
        super().__init__(options)
        self._series, self._splits = series or made_up(), splits

    def load(self):
        return self._series

    @property
    def splits(self):
        return self._splits


def task(T=40, series=None, splits=SPLITS, **options):
    return MadeUpLake(LakeOptions(T=T, **options), series, splits)
