"""Temperatures of a lake over days and depths: predicted, simulated and observed.

They are those of the days that the probed windows of validation score, one window after the other,
as many as a window has days. ``depth_0.5`` is the predicted temperature at 0.5 m in °C,
``process_0.5`` that of the process model and ``observed_0.5`` what was measured, nan where nothing
was. ``imbalance`` and ``process_imbalance`` are the energy imbalance in W/m² of ice-free days, and
``day`` is the date, counted as ``datetime.date.toordinal`` does.

T days of a window, D depths.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from urnn_bench.errors import ComponentError
from urnn_bench.physics.profiles import Profiles
from urnn_bench.probes._signals import padded
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.tasks.base import Batch

DAY, IMBALANCE, PROCESS_IMBALANCE = "day", "imbalance", "process_imbalance"


@runtime_checkable
class HasProfiles(Protocol):
    """A task of a lake."""

    def profiles(self, output: Tensor, batch: Batch) -> Profiles:
        """Return the temperatures of the days that a batch scores."""


class LakeProfiles(Probe):
    """Temperatures at every depth, and the energy imbalance."""

    names = (DAY, IMBALANCE, PROCESS_IMBALANCE, "depth_*", "process_*", "observed_*")
    task_type = HasProfiles

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return curves (T) over the scored days; raise ComponentError for another task."""
        if not isinstance(trace.task, HasProfiles):
            raise ComponentError("lake_profiles needs a task of a lake")
        steps, found = len(trace.x), trace.task.profiles(trace.output, trace.batch)
        curves = {
            DAY: found.day.double(),
            IMBALANCE: found.imbalance_w_m2,
            PROCESS_IMBALANCE: found.process_imbalance_w_m2,
        }
        curves |= _by_depth("depth", found.depths_m, found.celsius)
        curves |= _by_depth("process", found.depths_m, found.process_celsius)
        curves |= _by_depth("observed", found.depths_m, found.observed_celsius)
        return {name: padded(curve[:steps], steps) for name, curve in curves.items()}


def _by_depth(name: str, depths_m: Tensor, celsius: Tensor) -> dict[str, Tensor]:
    """Return temperatures (S, D) as a curve for every depth."""
    columns = zip(depths_m.tolist(), celsius.unbind(-1), strict=True)
    return {f"{name}_{depth:g}": column for depth, column in columns}
