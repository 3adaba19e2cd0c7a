"""Echo state network: a leaky tanh network with random weights that are never trained.

Jaeger (2001), GMD report 148; leaky units as in Jaeger, Lukoševičius, Popovici and Siewert (2007),
Neural Networks 20, equation 2: h_t = (1 - a) h_{t-1} + a tanh(W h_{t-1} + V x_t + b). Every unit
sees the same number of others, and W is scaled to its spectral radius. V and b are drawn uniformly
from ± their scalings.

T steps, B batch, F input features, H hidden width.
"""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config, Positive


class EchoStateOptions(Config):
    """How the random weights are drawn."""

    spectral_radius: Positive = Field(
        0.95, description="the largest absolute eigenvalue of the recurrent matrix"
    )
    leak: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="share of a unit that is new at every step"
    )
    density: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="share of the units that a unit sees, at least one"
    )
    input_scaling: Positive = Field(1.0, description="largest absolute input weight")
    bias_scaling: Annotated[float, Field(ge=0)] = Field(0.0, description="largest absolute bias")


class Weights(NamedTuple):
    """V (H, F), W (H, H), bias (H) and the leak, a number."""

    w_x: Tensor
    w_h: Tensor
    bias: Tensor
    leak: Tensor


class EchoState(Cell[Weights]):
    """The echo state network: nothing of it is trained."""

    Options = EchoStateOptions
    options: EchoStateOptions

    def __init__(self, inputs: int, hidden: int, options: EchoStateOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Buffer(options.input_scaling * _uniform(hidden, inputs))
        self.w_h = nn.Buffer(_recurrent(hidden, options))
        self.bias = nn.Buffer(options.bias_scaling * _uniform(hidden))
        self.leak = nn.Buffer(torch.tensor(options.leak))

    def weights(self) -> Weights:
        """Return the random weights as they are."""
        return Weights(self.w_x, self.w_h, self.bias, self.leak)

    def drive(self, x: Tensor, w: Weights) -> Tensor:
        """Return V x + b: (T, B, F) to (T, B, H)."""
        return nn.functional.linear(x, w.w_x, w.bias)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return (1 - a) h + a tanh(W h + u)."""
        h = state[0]
        return (torch.lerp(h, torch.tanh(torch.addmm(u, h, w.w_h.T)), w.leak),)

    def initial_state(self, batch: int) -> State:
        """Return zeros for h."""
        return (self.bias.new_zeros(batch, self.hidden),)

    def flops(self) -> float:
        """Two products and five operations of each unit."""
        return self.hidden * (2 * (self.inputs + self.hidden) + 5)


def _uniform(*shape: int) -> Tensor:
    """Return numbers from [-1, 1]."""
    return torch.empty(shape).uniform_(-1, 1)


def _recurrent(hidden: int, options: EchoStateOptions) -> Tensor:
    """Return W (H, H), with the same number of entries in every row, of its spectral radius.

    With one entry or more in every row some units form a cycle, so the radius is not zero.
    """
    count = max(1, round(options.density * hidden))
    places = torch.rand(hidden, hidden).topk(count).indices
    dense = torch.zeros(hidden, hidden).scatter(1, places, _uniform(hidden, count))
    radius = torch.linalg.eigvals(dense.double()).abs().amax()
    scaled: Tensor = options.spectral_radius * dense.double() / radius
    return scaled.to(dense.dtype)
