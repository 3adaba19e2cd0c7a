"""The simple cycle reservoir: units in one ring, with one weight for all links.

Rodan and Tiňo (2011), "Minimum complexity echo state network", IEEE Transactions on Neural Networks
22, section III. Every input weight has the same absolute value and a random sign. One recurrent
number is all that it has, so it is the control of what random matrices are good for.
"""

import torch
from torch import Tensor, nn

from urnn_bench.cells._reservoir import Reservoir, ReservoirOptions
from urnn_bench.kernels.reservoir_matrices import Cycle, Matrix


class RingEsn(Reservoir):
    """The simple cycle reservoir; the weight of a link is the spectral radius."""

    Options = ReservoirOptions

    def draw_recurrent(self) -> None:
        """Set the one weight; nothing is drawn."""
        self.link = nn.Buffer(torch.tensor(self.options.spectral_radius))

    def recurrent(self) -> Matrix:
        """Return the cycle."""
        return Cycle(self.link)

    def input_weights(self) -> Tensor:
        """Return random signs (H, F)."""
        return 1.0 - 2.0 * torch.randint(2, (self.hidden, self.inputs))

    def flops(self) -> float:
        """The input's product, the link, and five operations of each unit."""
        return self.hidden * (2 * (self.inputs + 1) + 5)
