"""HiPPO-LegT: a gated network whose memory holds a window of the last samples.

Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, theorem 1: c' = (A c + B f) / θ. A later
release of its authors halves A and B, so a window there is twice as long for the same step.
"""

from urnn_bench.cells._hippo import HippoCell, HippoWindowOptions
from urnn_bench.cells._memory import Memory, window_memory
from urnn_bench.kernels.memory_operators import legt


class HippoLegt(HippoCell):
    """The gated network around LegT."""

    Options = HippoWindowOptions
    options: HippoWindowOptions

    def new_memory(self, order: int) -> Memory:
        """Return LegT of the window."""
        return window_memory(legt(order), self.options, 1 / self.options.window)
