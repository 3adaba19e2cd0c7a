"""The uRNN's recurrent map and its non-linearity, as pure functions.

Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, equations 6 and 8. H hidden width (complex).
"""

from math import sqrt
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.fft import fft, ifft


class Factors(NamedTuple):
    """W = D3 R2 F⁻¹ D2 Π R1 F D1: unit phases and unit mirrors (H) complex, permutation (H)."""

    d1: Tensor
    d2: Tensor
    d3: Tensor
    r1: Tensor
    r2: Tensor
    permutation: Tensor


class ModReluOptions(Protocol):
    """The options that the uRNN's kernels read."""

    @property
    def eps(self) -> float:
        """What is added to |z| in modReLU's denominator."""


def apply(w: Factors, h: Tensor) -> Tensor:
    """Return W h for every row of ``h`` (B, H); equation 6, from right to left."""
    z = reflect(fft(w.d1 * h, norm="ortho"), w.r1)
    z = ifft(w.d2 * z.index_select(-1, w.permutation), norm="ortho")
    return reflect(z, w.r2) * w.d3


def apply_adjoint(w: Factors, g: Tensor) -> Tensor:
    """Return W* g, which is W⁻¹ g, for every row of ``g`` (B, H)."""
    z = fft(reflect(w.d3.conj() * g, w.r2), norm="ortho")
    z = (w.d2.conj() * z).index_select(-1, w.permutation.argsort())
    h: Tensor = ifft(reflect(z, w.r1), norm="ortho")
    return h * w.d1.conj()


def reflect(h: Tensor, mirror: Tensor) -> Tensor:
    """Return h - 2 v v* h for a unit vector v (H) and every row of ``h`` (B, H).

    Householder's reflection; the paper's R divides by |v|², which is 1 here.
    """
    # rows are transposed vectors: v* h is h @ conj(v), and addr adds the outer product with v
    return torch.addr(h, h @ mirror.conj(), mirror, alpha=-2)


def modrelu(z: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Return z · max(|z| + b, 0) / (|z| + eps); equation 8 has eps = 0.

    A |z| below ``least_size`` counts as 0, where z has no direction: then it is z · max(b, 0).
    """
    sized = z.detach().abs() >= least_size(bias.dtype)
    # torch's derivative of |z| is NaN where z is not a normal number
    size = torch.where(sized, z, 0).abs()
    safe = torch.where(sized, size + eps, 1.0)
    return z * (torch.relu(size + bias) / safe)


def least_size(dtype: torch.dtype) -> float:
    """Return the least |z| at which modReLU divides by it, 1e-19 in float32, for every kernel.

    The derivative divides by |z|², which must be a normal number.
    """
    return sqrt(torch.finfo(dtype).tiny)
