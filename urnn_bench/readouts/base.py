"""What a readout is: a network from the features of a cell's states to a task's outputs.

N sequences or steps, R features, O outputs. A readout is found by the name of its file, which holds
exactly one public subclass of ``Readout``. It sees each sequence, or each step of it, by itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.kernels.choose import Linear
from urnn_bench.spec.types import Config


class Readout(nn.Module, ABC):
    """Features (..., R) to outputs (..., O).

    It has at least one parameter. ``linear`` computes x Wᵀ + b of x, W and b in the way that goes
    best with the cell's kernel. A subclass with options annotates ``options`` with their class.
    """

    Options: ClassVar[type[Config]] = Config
    # whether an update draws random numbers, as dropout does
    draws: bool = False
    # whether an update normalises by means over sequences and steps, as batch normalisation does
    averages: bool = False
    options: Config

    def __init__(self, features: int, outputs: int, options: Config) -> None:
        super().__init__()
        self.features, self.outputs, self.options = features, outputs, options
        self.linear: Linear = functional.linear

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs: (..., R) to (..., O)."""


# features (N, R) and targets (N, O) in float64 on the CPU; a class is a row of zeros and a one
Examples = tuple[Tensor, Tensor]


class SolvedReadout(Readout):
    """A readout that is solved once, of features that nothing trains, and never updated."""

    @abstractmethod
    def solve(self, train: Iterable[Examples], validation: Iterable[Examples]) -> str:
        """Set the parameters by the examples, batch by batch; return how, in a few words."""
