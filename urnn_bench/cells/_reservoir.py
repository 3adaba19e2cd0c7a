"""What reservoirs share: random weights that are never trained, and leaky units.

Leaky units as in Jaeger, Lukoševičius, Popovici and Siewert (2007), Neural Networks 20, equation 2:
h_t = (1 - a) h_{t-1} + a f(W h_{t-1} + V x_t + b). V and b are drawn uniformly from ± their
scalings.

T steps, B batch, F input features, H hidden width.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell, Example
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.native.reservoir import RESERVOIR
from urnn_bench.kernels.reservoir_matrices import Matrix, blocks, uniform
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config, Count, Positive

Activation = Literal["tanh", "relu", "identity"]
Share = Annotated[float, Field(gt=0, le=1)]

_ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
}


class ReservoirOptions(Config):
    """How the random weights are drawn, and what a unit does."""

    spectral_radius: Positive = Field(
        0.95, description="the largest absolute eigenvalue of the recurrent matrix"
    )
    leak: Share = Field(1.0, description="share of a unit that is new at every step")
    input_scaling: Positive = Field(1.0, description="largest absolute input weight")
    bias_scaling: Annotated[float, Field(ge=0)] = Field(0.0, description="largest absolute bias")
    activation: Activation = Field("tanh", description="f: tanh, relu or identity")
    noise: Annotated[float, Field(ge=0)] = Field(
        0.0,
        description="standard deviation of what is added to the input of f in training; features "
        "are then computed in every update",
    )


class Weights(NamedTuple):
    """V (H, F), the recurrent matrix W, bias (H) and the leak ()."""

    w_x: Tensor
    recurrent: Matrix
    bias: Tensor
    leak: Tensor


class Reservoir(Cell[Weights]):
    """A reservoir: nothing of it is trained. A subclass has the recurrent matrix."""

    Options: ClassVar[type[Config]] = ReservoirOptions
    options: ReservoirOptions
    kernels = {"c": RESERVOIR}

    def __init__(self, inputs: int, hidden: int, options: ReservoirOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Buffer(options.input_scaling * self.input_weights())
        self.draw_recurrent()
        self.bias = nn.Buffer(options.bias_scaling * uniform(hidden))
        self.leak = nn.Buffer(torch.tensor(options.leak))
        self.draws = options.noise > 0

    @abstractmethod
    def draw_recurrent(self) -> None:
        """Make the buffers of the recurrent matrix."""

    @abstractmethod
    def recurrent(self) -> Matrix:
        """Return the recurrent matrix."""

    def input_weights(self) -> Tensor:
        """Return input weights from [-1, 1], (H, F)."""
        return uniform(self.hidden, self.inputs)

    def weights(self) -> Weights:
        """Return the random weights as they are."""
        return Weights(self.w_x, self.recurrent(), self.bias, self.leak)

    def drive(self, x: Tensor, w: Weights) -> Tensor:
        """Return V x + b, with noise in training: (T, B, F) to (T, B, H)."""
        u = nn.functional.linear(x, w.w_x, w.bias)
        noise = self.options.noise if self.training else 0.0
        return u + noise * torch.randn_like(u) if noise else u

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return (1 - a) h + a f(W h + u)."""
        (h,) = state
        f = _ACTIVATIONS[self.options.activation]
        return (torch.lerp(h, f(u + w.recurrent.product(h)), w.leak),)

    def recurrent_weights(self, w: Weights) -> tuple[Tensor, ...]:
        """Return the matrix as it is stored, columns of its entries included, and the leak."""
        return (*w.recurrent, w.leak)

    def initial_state(self, batch: int) -> State:
        """Return zeros for h."""
        return (self.bias.new_zeros(batch, self.hidden),)


class ParallelOptions(ReservoirOptions):
    """How many reservoirs there are, and how dense each is."""

    reservoirs: Count = Field(
        2, description="reservoirs that the units are divided into, all of one size"
    )
    density: Share = Field(
        1.0, description="share of the units of its reservoir that a unit sees, at least one"
    )


class SeveralReservoirs(Reservoir):
    """Several reservoirs of one size."""

    Options = ParallelOptions
    options: ParallelOptions

    @classmethod
    def example(cls) -> Example:
        """Return a width that the default number of reservoirs divides."""
        return Example(hidden=40)

    def draw_blocks(self) -> Tensor:
        """Return the matrices of the reservoirs (K, M, M), not scaled.

        Raises ComponentError if the units do not divide among them.
        """
        reservoirs = self.options.reservoirs
        units, rest = divmod(self.hidden, reservoirs)
        if rest:
            raise ComponentError(
                f"{self.hidden} units cannot be divided into {reservoirs} reservoirs of one size; "
                f"set hidden to a multiple of {reservoirs}, or other 'reservoirs'"
            )
        return blocks(reservoirs, units, self.options.density)
