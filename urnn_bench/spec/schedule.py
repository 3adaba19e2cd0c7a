"""How a learning rate changes over the updates of a run."""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from urnn_bench.spec.types import UPDATES, Config


class Schedule(Config):
    """A share of the learning rate: a linear warm-up, then constant, a line or half a cosine.

    The cosine is equation 5 of Loshchilov and Hutter (2017), arXiv:1608.03983, without restarts.
    """

    name: Literal["constant", "linear", "cosine"] = "cosine"
    warm_up: Annotated[int, Field(ge=0)] = Field(
        0, description="how long the rate grows in a line from 0", json_schema_extra=UPDATES
    )
    end: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="share of the rate that 'linear' and 'cosine' go down to"
    )

    def share(self, step: int, steps: int) -> float:
        """Return the share of the rate in the update after ``step`` of ``steps`` updates."""
        if step < self.warm_up:
            return (step + 1) / (self.warm_up + 1)
        passed = (step - self.warm_up) / max(1, steps - self.warm_up)
        left = {"constant": 1.0, "linear": 1 - passed, "cosine": (1 + cos(pi * passed)) / 2}
        return self.end + (1 - self.end) * left[self.name]
