"""‖∂C/∂h_t‖ over time: how much of the loss's gradient reaches back to step t.

The total derivative of each example's loss, its 2-norm over the units, the mean over the batch.
Figure 4 of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, left two panels.
"""

from collections.abc import Mapping

from torch import Tensor

from urnn_bench.probes._trace import Trace, norms
from urnn_bench.probes.base import Probe


class GradientNorm(Probe):
    """The gradient's norm at every step, for every state."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return the mean norm (T) of each state's gradient."""
        return {name: norms(g).mean(-1) for name, g in trace.gradients.items()}
