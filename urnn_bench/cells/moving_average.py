"""The moving average of every input, of which nothing is trained: a control that is linear.

h_t = d h_{t-1} + (1 - d) x_t. With a decay d of 0 the state is the input of the step, and the
readout ``ridge`` of it is linear regression on the inputs of a step.

T steps, B batch, F input features, H hidden width.
"""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells.base import Cell
from urnn_bench.errors import ComponentError
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config, Fraction

Index = Annotated[int, Field(ge=0)]


class MovingAverageOptions(Config):
    """How fast inputs are forgotten."""

    decay: Fraction = Field(0.9, description="of the average in a step; 0 is the input itself")
    inputs: Annotated[tuple[Index, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="which inputs are read, counted from 0; all if not given"
    )


class Weights(NamedTuple):
    """The decay ()."""

    decay: Tensor


class MovingAverage(Cell[Weights]):
    """An average for every input; further units are 0, and inputs beyond the units are left out.

    Raises ComponentError for an input that there is not.
    """

    Options = MovingAverageOptions
    options: MovingAverageOptions

    def __init__(self, inputs: int, hidden: int, options: MovingAverageOptions) -> None:
        super().__init__(inputs, hidden, options)
        chosen = [*range(inputs)] if options.inputs is None else [*options.inputs]
        if wrong := [index for index in chosen if index >= inputs]:
            raise ComponentError(f"there is no input {wrong[0]}: they count from 0 to {inputs - 1}")
        self.chosen = chosen[:hidden]
        self.decay = nn.Buffer(torch.tensor(options.decay))

    def weights(self) -> Weights:
        """Return the decay."""
        return Weights(self.decay)

    def drive(self, x: Tensor, w: Weights) -> Tensor:
        """Return (1 - d) x with zeros behind it: (T, B, F) to (T, B, H)."""
        zeros = w.decay.new_zeros(()).expand(*x.shape[:-1], self.hidden - len(self.chosen))
        return torch.cat([(1 - w.decay) * x[..., self.chosen], zeros], dim=-1)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return d h + u."""
        return (w.decay * state[0] + u,)

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        return (self.decay.new_zeros(batch, self.hidden),)

    def flops(self) -> float:
        """Two operations of each unit."""
        return 2.0 * self.hidden
