"""The control of HiPPO's networks: a memory with random A and B, in the wiring of the others.

Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, section 4.1, compare with such a memory; its
scale is a choice of ours. With ``scaled`` it has LegS's 1/t and slowest modes as slow as LegS's.
"""

from pydantic import Field

from urnn_bench.cells._hippo import HippoCell, HippoOptions
from urnn_bench.cells._memory import Memory, ScaledMemory, window_memory
from urnn_bench.kernels.memory_operators import random, random_scaled


class HippoRandOptions(HippoOptions):
    """Which memory it is the control of."""

    window: float = Field(
        10.0,
        ge=1,
        description="1/Δt, the steps in a unit of the memory's time",
        json_schema_extra={"unit": "steps"},
    )
    scaled: bool = Field(
        False, description="c' = (A c + B f) / t as in LegS, in place of a step of 1/window"
    )


class HippoRand(HippoCell):
    """The gated network around a random memory."""

    Options = HippoRandOptions
    options: HippoRandOptions

    def new_memory(self, order: int) -> Memory:
        """Return a memory that is drawn."""
        if self.options.scaled:
            return ScaledMemory(random_scaled(order), self.options.rule)
        return window_memory(random(order), self.options, 1 / self.options.window)
