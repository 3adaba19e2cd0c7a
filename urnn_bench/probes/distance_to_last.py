"""‖h_t - h_T‖ over time: when a state stops changing.

The 2-norm over the units, the mean over the batch. Figure 4 of Arjovsky, Shah and Bengio (2016),
arXiv:1511.06464, fourth panel.
"""

from collections.abc import Mapping

from torch import Tensor

from urnn_bench.probes._trace import Trace, norms
from urnn_bench.probes.base import Probe


class DistanceToLast(Probe):
    """How far every state is from the last one of its sequence."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return the mean distance (T) of each state."""
        return {name: norms(h - h[-1]).mean(-1) for name, h in trace.states.items()}
