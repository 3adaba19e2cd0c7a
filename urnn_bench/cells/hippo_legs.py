"""HiPPO-LegS: a gated network whose memory holds all of its past, at every scale of time.

Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, theorem 2: c' = (A c + B f) / t. The step
counts the samples itself and has no table of them, which in the released code ends at 1,024.
"""

from urnn_bench.cells._hippo import HippoCell
from urnn_bench.cells._memory import LegsMemory, Memory
from urnn_bench.cells.base import StateSpec


class HippoLegs(HippoCell):
    """The gated network around LegS."""

    states = (StateSpec("h"), StateSpec("c"), StateSpec("clock", memory=False))

    def new_memory(self, order: int) -> Memory:
        """Return LegS."""
        return LegsMemory(order, self.options.rule)
