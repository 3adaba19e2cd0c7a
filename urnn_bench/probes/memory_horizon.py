"""The memory horizon: the longest lag from which a gradient still comes back.

The largest T - t at which the mean of ‖∂C/∂h_t‖ over the batch is at least a fraction of that at
t = T; T - 1 if it is so for the first step, nan if a gradient is not finite or the last one is 0.
On a task that is scored at every step, each step's own loss adds to its gradient, and the horizon
says little.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.probes._trace import Trace, norms
from urnn_bench.probes.base import Probe
from urnn_bench.spec.types import Config, Fraction


class MemoryHorizonOptions(Config):
    """Which gradients count."""

    fraction: Fraction = Field(1e-3, description="of the last step's gradient norm")


class MemoryHorizon(Probe):
    """The horizon of every state, in steps."""

    Options = MemoryHorizonOptions
    options: MemoryHorizonOptions

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return one number () for each state."""
        return {name: self._lag(norms(g).mean(-1)) for name, g in trace.gradients.items()}

    def _lag(self, size: Tensor) -> Tensor:
        if not torch.isfinite(size).all() or size[-1] == 0:
            return torch.tensor(torch.nan, dtype=torch.float64)
        near = (size >= self.options.fraction * size[-1]).nonzero()
        return (len(size) - 1 - near[0, 0]).double()
