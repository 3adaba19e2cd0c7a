"""Reservoirs side by side that do not see each other; the readout sees them all.

Evanusa, Shrestha, Girvan, Fermüller and Aloimonos (2020), arXiv:2010.14611. Of that paper we know
the abstract: sizes and weights are a reconstruction of ours. Each reservoir is scaled to the
spectral radius.
"""

import torch
from torch import nn

from urnn_bench.cells._reservoir import SeveralReservoirs
from urnn_bench.kernels.reservoir_matrices import Blocks, Dense, Matrix, scaled


class ParallelEsn(SeveralReservoirs):
    """Several echo state networks of one size."""

    def draw_recurrent(self) -> None:
        """Draw the matrices one after the other."""
        radius = self.options.spectral_radius
        drawn = self.draw_blocks()
        self.w_h = nn.Buffer(torch.stack([scaled(Dense(w), w, radius) for w in drawn]))

    def recurrent(self) -> Matrix:
        """Return the matrices side by side."""
        return Blocks(self.w_h)

    def flops(self) -> float:
        """Two products and five operations of each unit."""
        return self.hidden * (2 * (self.inputs + self.w_h.shape[-1]) + 5)
