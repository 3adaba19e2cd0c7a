"""The temperatures that a batch of windows scores, day after day.

T days of a window, W windows, D depths, S scored days of all windows.
"""

import torch
from torch import Tensor

from urnn_bench.physics.profiles import Profiles
from urnn_bench.tasks._lake_physics import Prediction
from urnn_bench.tasks._lake_series import LakeSeries


def profiles(
    series: LakeSeries, first_day: Tensor, predicted: Prediction, process: Prediction
) -> Profiles:
    """Return the scored days of windows that begin on some days (W)."""
    scored = predicted.scored
    days = first_day + torch.arange(len(scored))[:, None]
    rows = in_order(days, scored) - series.first_day.toordinal()
    return Profiles(
        in_order(days, scored),
        series.lake.depths_m,
        in_order(predicted.celsius, scored),
        in_order(process.celsius, scored),
        series.observed_celsius[rows],
        in_order(_imbalance_w_m2(predicted), scored),
        in_order(_imbalance_w_m2(process), scored),
    )


def in_order(values: Tensor, scored: Tensor) -> Tensor:
    """Return the scored values of windows (T, W, ...) one window after the other: (S, ...)."""
    return values.transpose(0, 1)[scored.T]


def _imbalance_w_m2(prediction: Prediction) -> Tensor:
    """Return the imbalance up to each day (T, W), nan where it does not count."""
    known = torch.where(prediction.balanced_days(), prediction.imbalance_w_m2(), torch.nan)
    # the first two days of a window have none
    return torch.cat([torch.full_like(prediction.celsius[:2, :, 0], torch.nan), known])
