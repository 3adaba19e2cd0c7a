"""Echo state network: a leaky network with random weights that are never trained.

Jaeger (2001), GMD report 148. Every unit sees the same number of others, and W is scaled to its
spectral radius.
"""

from typing import Literal

from pydantic import Field
from torch import nn

from urnn_bench.cells._reservoir import Reservoir, ReservoirOptions, Share
from urnn_bench.kernels.reservoir_matrices import Dense, Matrix, Sparse, scaled, sparse

# below it the sparse form is quicker, and takes less memory
SPARSE_BELOW = 0.25


class EsnOptions(ReservoirOptions):
    """How dense the recurrent matrix is, and how it is stored."""

    density: Share = Field(0.1, description="share of the units that a unit sees, at least one")
    storage: Literal["auto", "dense", "sparse"] = Field(
        "auto",
        description=f"of the recurrent matrix; auto: sparse below a density of {SPARSE_BELOW}",
    )


class Esn(Reservoir):
    """The echo state network."""

    Options = EsnOptions
    options: EsnOptions

    @property
    def is_sparse(self) -> bool:
        """Whether the recurrent matrix is stored by its entries."""
        o = self.options
        return o.storage == "sparse" or (o.storage == "auto" and o.density < SPARSE_BELOW)

    def draw_recurrent(self) -> None:
        """Draw the entries, the same ones for either form."""
        drawn = sparse(self.hidden, self.options.density)
        drawn = drawn._replace(values=scaled(drawn, drawn.values, self.options.spectral_radius))
        if self.is_sparse:
            self.columns, self.values = map(nn.Buffer, drawn)
        else:
            self.w_h = nn.Buffer(drawn.matrix())

    def recurrent(self) -> Matrix:
        """Return W in the form in which it is stored."""
        return Sparse(self.columns, self.values) if self.is_sparse else Dense(self.w_h)

    def flops(self) -> float:
        """Two products and five operations of each unit."""
        seen = self.values.shape[1] if self.is_sparse else self.hidden
        return self.hidden * (2 * (self.inputs + seen) + 5)
