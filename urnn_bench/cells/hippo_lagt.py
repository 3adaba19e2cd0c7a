"""HiPPO-LagT: a gated network whose memory forgets its past exponentially.

Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, theorem 1 and appendix D.2: c' = A c + B f.
"""

from pydantic import Field

from urnn_bench.cells._hippo import HippoCell, HippoOptions
from urnn_bench.cells._memory import Memory, window_memory
from urnn_bench.kernels.memory_operators import lagt
from urnn_bench.spec.types import Fraction, Positive


class HippoLagtOptions(HippoOptions):
    """Which Laguerre polynomials, and how long a step is."""

    alpha: Fraction = Field(0.0, description="α of the generalised Laguerre polynomials")
    beta: float = Field(
        1.0,
        ge=0,
        description="a sample counts e^(-(1 + β) y / 2) after a time y; the paper has β = 1, its "
        "released code of LagT 0",
    )
    interval: Positive = Field(
        1.0,
        description="Δt, the memory's time from one sample to the next, or of a unit of timestamps",
    )


class HippoLagt(HippoCell):
    """The gated network around LagT."""

    Options = HippoLagtOptions
    options: HippoLagtOptions

    def new_memory(self, order: int) -> Memory:
        """Return LagT."""
        o = self.options
        return window_memory(lagt(order, o.alpha, o.beta), o, o.interval, lower=True)
