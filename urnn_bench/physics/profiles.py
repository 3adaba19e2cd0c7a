"""Temperatures of a lake over days and depths, as predicted, simulated and observed.

S days, D depths from the surface.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Profiles:
    """Days (S) in order as ordinals of ``datetime.date``, depths (D) and temperatures (S, D).

    What nobody has observed is nan. ``imbalance_w_m2`` and ``process_imbalance_w_m2`` (S) are the
    energy imbalance of prediction and process model from the day before to each day, nan with ice.
    """

    day: Tensor
    depths_m: Tensor
    celsius: Tensor
    process_celsius: Tensor
    observed_celsius: Tensor
    imbalance_w_m2: Tensor
    process_imbalance_w_m2: Tensor
