"""The daily series of a lake that a task is made of: weather, a simulation, observations and ice.

N days, D depths.
"""

from dataclasses import dataclass
from datetime import date

from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.physics.energy import Hypsography
from urnn_bench.physics.fluxes import Weather

# columns of the drivers, in this order, each with its unit
DRIVERS = (
    "short_wave_w_m2",
    "long_wave_w_m2",
    "air_celsius",
    "humidity_per_cent",
    "wind_m_s",
    "rain_m",
    "snow_m",
)


@dataclass(frozen=True, eq=False)
class LakeSeries:
    """Consecutive days from ``first_day`` on, in float64.

    ``drivers`` (N, 7) have the columns ``DRIVERS``. ``simulated_celsius`` (N, D) is the output of
    the process model, ``observed_celsius`` (N, D) is nan where nobody has measured, and ``ice``
    (N) says whether the lake was frozen.
    """

    first_day: date
    lake: Hypsography
    drivers: Tensor
    simulated_celsius: Tensor
    observed_celsius: Tensor
    ice: Tensor

    def __len__(self) -> int:
        return len(self.drivers)

    @property
    def weather(self) -> Weather:
        """The drivers that fluxes depend on, each (N)."""
        return weather_of(self.drivers)


def weather_of(drivers: Tensor) -> Weather:
    """Return the weather (...) of drivers (..., 7)."""
    return Weather(*drivers.unbind(-1)[:5])


def require_balanced(ice: Tensor, split: SplitName) -> None:
    """Raise DataError unless there are three days in a row to take an energy balance of."""
    if (ice[1:-1] | ice[2:]).all():
        raise DataError(
            f"all days for {split} have ice, or they are fewer than three, so no energy balance "
            "can be taken; choose other dates"
        )
