"""The weights that kernels read, by name; a cell's NamedTuple that has them fits.

F input features, H hidden width, G gates.
"""

from typing import Protocol

from torch import Tensor

from urnn_bench.kernels.time_loop import HasDrive
from urnn_bench.kernels.unitary import Factors, ModReluOptions


class InputWeights(Protocol):
    """An input matrix and one bias."""

    @property
    def w_x(self) -> Tensor:
        """Input matrix (G·H, F)."""

    @property
    def bias(self) -> Tensor:
        """Bias (G·H)."""


class DenseWeights(InputWeights, Protocol):
    """The plain networks and the LSTM."""

    @property
    def w_h(self) -> Tensor:
        """Recurrent matrix (G·H, H)."""


class RotationWeights(InputWeights, Protocol):
    """An orthogonal recurrence; its bias is modReLU's."""

    @property
    def rotation(self) -> Tensor:
        """Orthogonal matrix (H, H) that h is multiplied by from the right."""


class GruWeights(Protocol):
    """The GRU, with two biases: its reset gate acts on one of them."""

    @property
    def w_x(self) -> Tensor:
        """Input matrix (3H, F)."""

    @property
    def w_h(self) -> Tensor:
        """Recurrent matrix (3H, H)."""

    @property
    def bias_x(self) -> Tensor:
        """Bias beside the input (3H)."""

    @property
    def bias_h(self) -> Tensor:
        """Bias beside the state (3H)."""


class UnitaryWeights(Protocol):
    """The uRNN."""

    @property
    def v(self) -> Tensor:
        """Input matrix (F, 2H): real and imaginary parts in pairs."""

    @property
    def factors(self) -> Factors:
        """What the unitary matrix is the product of."""

    @property
    def bias(self) -> Tensor:
        """modReLU's bias (H)."""


class UnitaryCell(HasDrive[UnitaryWeights], Protocol):
    """A cell with those weights: its kernels need modReLU's eps too."""

    @property
    def options(self) -> ModReluOptions:
        """Where eps is."""
