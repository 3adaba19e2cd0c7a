"""‖h_t‖ over time: whether a state grows, fades or keeps its size.

The 2-norm over the units, the mean over the batch. Figure 4 of Arjovsky, Shah and Bengio (2016),
arXiv:1511.06464, third panel.
"""

from collections.abc import Mapping

from torch import Tensor

from urnn_bench.probes._trace import Trace, norms
from urnn_bench.probes.base import Probe


class StateNorm(Probe):
    """The norm of every state at every step."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return the mean norm (T) of each state."""
        return {name: norms(h).mean(-1) for name, h in trace.states.items()}
