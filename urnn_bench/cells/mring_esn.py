"""The meta-ring: reservoirs in a ring, each of which also sees the one before it.

Evanusa, Shrestha, Girvan, Fermüller and Aloimonos (2020), arXiv:2010.14611. Of that paper we know
the abstract: sizes, weights and the form of the link are a reconstruction of ours. A unit sees the
unit of its own place in the reservoir before, so that the ring adds one weight to each unit. The
spectral radius is that of the whole matrix, blocks and links together.
"""

from typing import Annotated

from pydantic import Field
from torch import nn

from urnn_bench.cells._reservoir import ParallelOptions, SeveralReservoirs
from urnn_bench.kernels.reservoir_matrices import Matrix, Ring, scaled, uniform


class MringEsnOptions(ParallelOptions):
    """How strong the link is."""

    link_scaling: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description="largest absolute weight of a link, where those within a reservoir are at most "
        "1; all are then scaled together",
    )


class MringEsn(SeveralReservoirs):
    """Several reservoirs in a ring."""

    Options = MringEsnOptions
    options: MringEsnOptions

    def draw_recurrent(self) -> None:
        """Draw the matrices and the links, and scale them together."""
        o = self.options
        drawn = Ring(self.draw_blocks(), o.link_scaling * uniform(self.hidden))
        self.w_h, self.link = (nn.Buffer(scaled(drawn, v, o.spectral_radius)) for v in drawn)

    def recurrent(self) -> Matrix:
        """Return the ring."""
        return Ring(self.w_h, self.link)

    def flops(self) -> float:
        """Two products, the link, and five operations of each unit."""
        return self.hidden * (2 * (self.inputs + self.w_h.shape[-1] + 1) + 5)
