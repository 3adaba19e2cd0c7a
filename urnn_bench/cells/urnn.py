"""Unitary evolution RNN: z_t = W h_{t-1} + V x_t, h_t = modReLU(z_t), with W unitary.

Arjovsky, Shah and Bengio, "Unitary Evolution Recurrent Neural Networks" (2016),
arXiv:1511.06464, equations 4 to 8. W = D3 R2 F⁻¹ D2 Π R1 F D1: diagonals of phases D, mirrors
R = I - 2 v v*/|v|², a fixed permutation Π, the unitary Fourier transform F.

The paper and its authors' code differ. ``variant: paper`` has the paper's initial values and
modReLU; ``variant: code`` has those of the authors' code (biases drawn from ±0.01, modReLU that
divides by |z| + 1e-5, mirrors by Glorot's rule). Each can be set by itself. Two departures from
both: the mirrors are normalised when the weights are made, which is the same map with the same
gradient, and h is stored as complex numbers, which only reorders the readout's columns.

T steps, B batch, F input features, H hidden width (complex).
"""

from collections.abc import Mapping
from math import log2, pi, sqrt
from typing import Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from urnn_bench.cells import _init
from urnn_bench.cells.base import Cell
from urnn_bench.kernels.gpu import urnn as gpu
from urnn_bench.kernels.native import urnn as native
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.unitary import Factors, apply, modrelu
from urnn_bench.kernels.weights import UnitaryWeights
from urnn_bench.spec.types import Config

# what the authors' code has where the paper, whose values are the defaults, says otherwise
_VARIANTS: Mapping[str, Mapping[str, object]] = {
    "code": {"bias_bound": 0.01, "eps": 1e-5, "mirror_init": "glorot", "input_fan": "real"},
}


class UrnnOptions(Config):
    """Where the paper and its code differ, and what both leave open."""

    variant: Literal["paper", "code"] = Field(
        "paper", description="whose values the next four take if not given"
    )
    bias_bound: float = Field(
        0.0, ge=0, description="modReLU's biases start uniform in ± this (code: 0.01)"
    )
    eps: float = Field(0.0, ge=0, description="added to |z| in modReLU's denominator (code: 1e-5)")
    mirror_init: Literal["uniform", "glorot"] = Field(
        "uniform",
        description="mirrors start uniform in ±1, or by Glorot's rule, smaller, so that they turn "
        "faster (code: glorot)",
    )
    input_fan: Literal["complex", "real"] = Field(
        "complex",
        description="fan-out in Glorot's rule for V: H complex units, or 2H real ones (code: real)",
    )
    phase_init: Literal["uniform", "glorot"] = Field(
        "uniform", description="phases start over the full circle, or near 0 (earliest code)"
    )
    h0_scale: float = Field(1.0, gt=0, description="scale of h_0 (earliest code: √2)")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        """Fill what is not given from the variant."""
        variant = value.get("variant")
        return {**(_VARIANTS.get(variant, {}) if isinstance(variant, str) else {}), **value}


class Weights(NamedTuple):
    """V as (F, 2H) real and its real-imaginary pairs, W's factors, modReLU's bias (H)."""

    v: Tensor
    factors: Factors
    bias: Tensor


class Urnn(Cell[Weights]):
    """The uRNN of 2016, its state complex, its recurrent matrix unitary by construction."""

    Options = UrnnOptions
    kernels = {"c": native.URNN, "triton": gpu.URNN}
    options: UrnnOptions
    permutation: Tensor

    def __init__(self, inputs: int, hidden: int, options: UrnnOptions) -> None:
        super().__init__(inputs, hidden, options)
        fan = hidden if options.input_fan == "complex" else 2 * hidden
        mirror = {"uniform": 1.0, "glorot": _init.glorot_bound(2, 2 * hidden)}
        phase = {"uniform": pi, "glorot": _init.glorot_bound(3, hidden)}
        # the order of these draws is part of what a seed means
        self.v = _init.uniform(inputs, 2 * hidden, bound=_init.glorot_bound(inputs, fan))
        self.phases = _init.uniform(3, hidden, bound=phase[options.phase_init])
        self.mirrors = _init.uniform(2, hidden, 2, bound=mirror[options.mirror_init])
        self.bias = _init.uniform(hidden, bound=options.bias_bound)
        self.h0 = _init.uniform(hidden, 2, bound=options.h0_scale * sqrt(3 / (2 * hidden)))
        self.register_buffer("permutation", torch.randperm(hidden))

    @property
    def features(self) -> int:
        """Real and imaginary parts: 2H."""
        return 2 * self.hidden

    def weights(self) -> Weights:
        """Return unit mirrors and unit phases, both complex."""
        # only the direction of a mirror counts. Normalised here, the kernels need no division, and
        # the gradient is that of equation 6's v v*/|v|², by autograd through this line
        mirrors = nn.functional.normalize(self.mirrors.flatten(1), dim=1).view_as(self.mirrors)
        diagonals = torch.polar(torch.ones_like(self.phases), self.phases)
        d1, d2, d3 = diagonals
        r1, r2 = torch.view_as_complex(mirrors)
        factors = Factors(d1, d2, d3, r1, r2, self.permutation)
        return Weights(self.v, factors, self.bias)

    def drive(self, x: Tensor, w: UnitaryWeights) -> Tensor:
        """Return V x: (T, B, F) to (T, B, H), complex."""
        # one real product for both parts, as x is real
        pairs = (x @ w.v).view(*x.shape[:-1], self.hidden, 2)  # T B H 2
        return torch.view_as_complex(pairs)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return modReLU(W h + u)."""
        z = apply(w.factors, state[0]) + u
        return (modrelu(z, w.bias, self.options.eps),)

    def recurrent_weights(self, w: Weights) -> tuple[Tensor, ...]:
        """Return W's factors, the permutation among them, and modReLU's bias."""
        return (*w.factors, w.bias)

    def initial_state(self, batch: int) -> State:
        """Return the learned h_0 for every sequence."""
        return (torch.view_as_complex(self.h0).expand(batch, -1),)

    def flops(self) -> float:
        """Two transforms of 5 H log2 H, three diagonals, two mirrors, V x, modReLU."""
        return self.hidden * (10 * log2(self.hidden) + 3 * 6 + 2 * 16 + 4 * self.inputs + 12)

    def readout_features(self, h: Tensor) -> Tensor:
        """Return real and imaginary parts in pairs: (..., H) complex to (..., 2H)."""
        return torch.view_as_real(h).flatten(-2)
