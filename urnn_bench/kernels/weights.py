"""The weights that kernels read, by name; a cell's NamedTuple that has them fits.

T steps, B batch, F input features, H hidden width, G gates, N order of a memory, Z rows of W_m.
"""

from typing import Any, Protocol

from torch import Tensor

from urnn_bench.kernels.memory_operators import Operator
from urnn_bench.kernels.time_loop import HasDrive, Recurrence
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


class LinearMemory(Protocol):
    """What the kernel asks of a memory."""

    @property
    def kernel_obstacle(self) -> str:
        """Why the kernel does not compute it, if so."""

    @property
    def legs_alpha(self) -> float | None:
        """α of LegS's rule; None for Ā c + B̄ f."""

    @property
    def has_clock(self) -> bool:
        """Whether its steps depend on the time."""


class HasMemory(Protocol):
    """A cell around a memory; its drive is u (T, B, 1 + Z), or u and times (T, B, 1)."""

    @property
    def memory(self) -> LinearMemory:
        """The memory."""

    # Any: a cell's own NamedTuple has more than a kernel reads
    def drive(self, x: Tensor, w: Any, /) -> Tensor | tuple[Tensor, Tensor]:
        """Return the input's share of f and z, with the times of the samples if given."""


class MemoriesAlone(Recurrence[Operator], Protocol):
    """A cell that is a memory for each of its inputs."""

    @property
    def memory(self) -> LinearMemory:
        """What all of them are."""


class GatedWeights(Protocol):
    """Weights of HiPPO's network."""

    @property
    def w_f(self) -> Tensor:
        """Vector from h to f (1, H)."""

    @property
    def w_c(self) -> Tensor:
        """Matrix from the memory to both gates (2H, N)."""

    @property
    def memory(self) -> Operator:
        """A (N, N) and B (N)."""


class GatedCell(HasMemory, Protocol):
    """HiPPO's network."""

    @property
    def reads_h_alone(self) -> bool:
        """Whether f is made of the new h, and that of the memory before."""


class LmuWeights(Protocol):
    """Weights of an LMU."""

    @property
    def w_h(self) -> Tensor:
        """Vector from h to f above the matrix from h to h (1 + H, H)."""

    @property
    def e_m(self) -> Tensor:
        """Vector from the memory to f (1, N)."""

    @property
    def w_m(self) -> Tensor:
        """Matrix from the memory to h (H, N)."""

    @property
    def memory(self) -> Operator:
        """Ā (N, N) and B̄ (N)."""
