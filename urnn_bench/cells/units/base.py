"""What a unit is: what a layer of a convolutional recurrent network keeps between two steps.

A unit is found by the name of its file, which holds exactly one public subclass of ``Unit``. The
layer has convolved its input already; a unit gets the result, a map of as many channels as its
states. B batch, C channels, R rows, S columns, K rows and columns of a filter.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic

import torch
from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.kernels.time_loop import State, W
from urnn_bench.spec.network import Path
from urnn_bench.spec.types import Config


class Unit(nn.Module, ABC, Generic[W]):
    """Parameters, and one pure step; its states start at zero, and layers above read the first.

    W is the type of its weights, a NamedTuple of tensors. A subclass with options of its own
    annotates ``options`` with their class.
    """

    Options: ClassVar[type[Config]] = Config
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    # whether the states of a step depend on those before
    recurrent: ClassVar[bool] = True
    options: Config

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__()
        self.channels, self.kernel_size, self.options = channels, kernel_size, options

    @abstractmethod
    def weights(self) -> W:
        """Return what ``step`` needs as a NamedTuple, made once for a sequence."""

    @abstractmethod
    def step(self, x: Tensor, state: State, w: W) -> State:
        """Return the next state; a pure function of x (B, C, R, S), the state and ``w``."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Take back a base's faster way to compute a step that the subclass changes."""
        super().__init_subclass__(**arguments)
        if "step" in vars(cls) and "fused_step" not in vars(cls):
            for name in ("fused_drive", "fused_step", "fused_unavailable_reason"):
                setattr(cls, name, getattr(Unit, name))

    def fused_drive(self, x: Tensor, w: W) -> Any:  # noqa: ARG002
        """Return what ``fused_step`` needs of x, which is computed once for steps of the same x."""
        return x

    def fused_step(self, u: Any, state: State, w: W) -> State:
        """Return what ``step`` returns of x with its ``fused_drive``, by a faster way if any.

        Maps and filters are channels-last.
        """
        return self.step(u, state, w)

    def fused_unavailable_reason(self) -> str | None:
        """Return why ``fused_step`` cannot run on this machine, or None."""
        return None

    def paths(self) -> tuple[Path, ...]:
        """Return what enters each state and what multiplies it, for a diagram; none if not said."""
        return ()

    def flops(self) -> float | None:
        """Return the operations of a step at one place of the map, None if not known.

        Each multiplication, addition or function of one number counts as one.
        """
        return None

    def filters(self, blocks: int = 1, kernel_size: int | None = None) -> nn.Parameter:
        """Return filters (blocks · C, C, K, K), each block Glorot uniform by itself.

        K is that of the network if not given. Glorot and Bengio (2010), AISTATS 9, equation 16.
        """
        size = kernel_size or self.kernel_size
        shape = (self.channels, self.channels, size, size)
        parts = [nn.init.xavier_uniform_(torch.empty(shape)) for _ in range(blocks)]
        return nn.Parameter(torch.cat(parts))

    def convolution_flops(self, blocks: int = 1) -> float:
        """Return the operations at one place of a convolution by ``filters(blocks)``."""
        return 2.0 * blocks * (self.channels * self.kernel_size) ** 2


def convolved(x: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x (B, C, R, S) convolved with filters (D, C, K, K) of odd K: (B, D, R, S)."""
    return functional.conv2d(x, filters, bias, padding=filters.shape[-1] // 2)
