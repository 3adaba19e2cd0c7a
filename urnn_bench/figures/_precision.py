"""What the figures of the probe gradient_precision share: its readings, and their axis."""

import pandas as pd
from matplotlib.axes import Axes

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._panels import probe_interval
from urnn_bench.figures._readings import probe_settings
from urnn_bench.figures._style import BASELINE, BASELINE_DASHES
from urnn_bench.records.metrics import PROBE

METRIC = "gradient_precision"
NAME = "relative error of the gradient in float32"
# a gradient that is all rounding, drawn as a line
ALL_ROUNDING = 1.0
_LEAST, _MOST = 1e-8, 1e4


def readings(results: Results) -> pd.DataFrame:
    """Return what the probe read, within the axis; raise NothingToShowError with the command.

    Where the gradient in float64 is not finite there is nothing to show; where only that in
    float32 is not, the reading is at the end of the axis.
    """
    metrics = results.metrics
    frame = metrics[(metrics["split"] == PROBE) & (metrics["metric"] == METRIC)]
    frame = frame.dropna(subset=["value"])
    if frame.empty:
        command = results.command.with_probes(
            *probe_settings(results, METRIC), probe_interval(results)
        )
        raise NothingToShowError(
            f"no run of '{results.benchmark}' was probed with '{METRIC}'; make some with: {command}"
        )
    return frame.assign(value=frame["value"].clip(_LEAST, _MOST))


def set_precision_axis(ax: Axes) -> None:
    """Make the vertical axis logarithmic, with a line where the gradient is all rounding."""
    ax.set_yscale("log")
    ax.axhline(ALL_ROUNDING, **BASELINE, linestyle=BASELINE_DASHES[0], label="all is rounding")
