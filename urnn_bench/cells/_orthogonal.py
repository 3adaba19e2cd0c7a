"""A recurrence with an orthogonal matrix B: h_t = modReLU(h_{t-1} B + V x_t).

Lezcano-Casado and Martínez-Rubio (2019), arXiv:1901.08428. The exponential of a skew-symmetric
matrix A - Aᵀ is orthogonal, so the upper triangle of A, H (H - 1)/2 numbers, is all that is learned
of B; it has a learning rate of its own (``fit.orthogonal_lr``). States are real; modReLU is that of
the uRNN on real numbers, sign(z) max(0, |z| + b).

T steps, B batch, F input features, H hidden width.
"""

from math import pi
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.kernels import rotation
from urnn_bench.kernels.exponential import exponential
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import RotationWeights
from urnn_bench.spec.types import Config


class OrthogonalOptions(Config):
    """How the orthogonal matrix starts."""

    start: Literal["cayley", "henaff"] = Field(
        "cayley",
        description="angles of the plane rotations that B starts from: cayley, near 0, or henaff, "
        "uniform over the circle",
    )
    bias_bound: float = Field(0.01, ge=0, description="modReLU's biases start uniform in ± this")


class Weights(NamedTuple):
    """V (H, F), the orthogonal matrix (H, H) that h is multiplied by from the right, bias (H)."""

    w_x: Tensor
    rotation: Tensor
    bias: Tensor


class OrthogonalCell(Cell[Weights]):
    """V, modReLU and the upper triangle of A; a subclass makes the matrix of it."""

    kernels = {"bptt": rotation.MODRELU}
    host_sync_reason = "the exponential of a matrix is scaled by the matrix's norm"
    options: OrthogonalOptions
    upper: Tensor

    def __init__(self, inputs: int, hidden: int, options: OrthogonalOptions) -> None:
        super().__init__(inputs, hidden, options)
        self.w_x = nn.Parameter(nn.init.kaiming_normal_(torch.empty(hidden, inputs)))
        # indices follow from H: no part of a checkpoint
        self.register_buffer("upper", torch.triu_indices(hidden, hidden, 1), persistent=False)
        self.skew = nn.Parameter(self.init_skew())
        self.bias = _init.uniform(hidden, bound=options.bias_bound)

    def init_skew(self) -> Tensor:
        """Return the upper triangle of A (H (H - 1)/2) of random rotations of planes 12, 34, ..."""
        # B starts as exp of blocks (0 a; -a 0), each a rotation of two units; where an odd H leaves
        # one over, it stays as it is
        angles = _INITIALISERS[self.options.start](self.hidden // 2)
        first, second = self.upper
        planes = (first % 2 == 0) & (second == first + 1)
        return torch.zeros(len(first)).masked_scatter(planes, angles)

    def orthogonal_parameters(self) -> tuple[nn.Parameter, ...]:
        """Return what the orthogonal matrix is made of."""
        return (self.skew,)

    def exponential(self, skew: Tensor) -> Tensor:
        """Return the exponential of A - Aᵀ for the upper triangle of A: (H, H)."""
        # the indices of A are fixed, so its gradient is a gather; only the exponential is dense
        a = skew.new_zeros(self.hidden, self.hidden).index_put(tuple(self.upper), skew)
        return exponential(a - a.T)

    def drive(self, x: Tensor, w: RotationWeights) -> Tensor:
        """Return V x: (T, B, F) to (T, B, H)."""
        return nn.functional.linear(x, w.w_x)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return modReLU(h B + u)."""
        z = torch.addmm(u, state[0], w.rotation)
        return (torch.sign(z) * torch.relu(z.abs() + w.bias),)

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        return (self.bias.new_zeros(batch, self.hidden),)

    def flops(self) -> float:
        """Two products, modReLU, and nothing for the exponential, made once a sequence."""
        return self.hidden * (2 * (self.inputs + self.hidden) + 4)


def _cayley(count: int) -> Tensor:
    """Return -√((1 - cos θ)/(1 + cos θ)) for θ uniform in [0, π/2].

    Helfrich, Willmott and Ye (2018), arXiv:1707.09520; Lezcano-Casado and Martínez-Rubio
    take the same numbers for the exponential, though they were made for Cayley's map.
    """
    cosine = torch.cos(torch.rand(count) * pi / 2)
    return -torch.sqrt((1 - cosine) / (1 + cosine))


def _henaff(count: int) -> Tensor:
    """Return angles uniform in [-π, π]: Henaff, Szlam and LeCun (2016), arXiv:1602.06662."""
    return (2 * torch.rand(count) - 1) * pi


_INITIALISERS = {"cayley": _cayley, "henaff": _henaff}
