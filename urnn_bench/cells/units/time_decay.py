"""A leaky sum of what the layer sees, whose decay is one trained number.

Nayebi et al. (2018), arXiv:1807.00053, in the form of its code, with elu:

    s_t = x_t + d s_{t-1}
    h_t = elu(s_t)

The sum s is linear in the past; layers above read h. The decay d of the layer starts at zero, where
the unit is ``feedforward``.

B batch, C channels, R rows, S columns.
"""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from urnn_bench.cells import _init
from urnn_bench.cells.units.base import Unit
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.types import Config


class Weights(NamedTuple):
    """The decay d ()."""

    decay: Tensor


class TimeDecay(Unit[Weights]):
    """Two states, an output h and the sum s."""

    state_names = ("h", "s")

    def __init__(self, channels: int, kernel_size: int, options: Config) -> None:
        super().__init__(channels, kernel_size, options)
        self.decay = _init.zeros()

    def weights(self) -> Weights:
        """Return the decay."""
        return Weights(self.decay)

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h and s."""
        s = x + w.decay * state[1]
        return functional.elu(s), s

    def flops(self) -> float:
        """A product, a sum and a function of each channel."""
        return 3.0 * self.channels
