"""What a memory of polynomials remembers: the functions that its coefficients weigh.

Each function returns a basis (K, N), so that c (..., N) times its transpose is the remembered
signal at K times of the past (..., K). A time is a share of the past, or how long ago it is in
units of the window θ or of Δt. Gu, Dao, Ermon, Rudra and Ré (2020), arXiv:2008.07669, appendix D;
Voelker, Kajić and Eliasmith (2019), NeurIPS 32, equation 3.

N order of the memory, K times, s_n = √(2n + 1).
"""

import torch
from torch import Tensor

from urnn_bench.kernels.memory_operators import legt_to_lmu


def legendre(order: int, x: Tensor) -> Tensor:
    """Return the Legendre polynomials P_n(x), x (K) from -1 to 1, as (K, N)."""
    n, found = torch.arange(order, dtype=x.dtype), [torch.ones_like(x), x]
    for k in n[1:-1]:
        found.append(((2 * k + 1) * x * found[-1] - k * found[-2]) / (k + 1))
    return torch.stack(found[:order], -1)


def weighted_laguerre(order: int, y: Tensor, alpha: float = 0.0) -> Tensor:
    """Return e^(-y/2) L_n^(α)(y), of the generalised Laguerre polynomials, y (K), as (K, N).

    The polynomials themselves overflow far back.
    """
    weight = torch.exp(-y / 2)
    n, found = torch.arange(order, dtype=y.dtype), [weight, (1 + alpha - y) * weight]
    for k in n[1:-1]:
        found.append(((2 * k + 1 + alpha - y) * found[-1] - (k + alpha) * found[-2]) / (k + 1))
    return torch.stack(found[:order], -1)


def legs(order: int, share: Tensor) -> Tensor:
    """Return s_n P_n(2x - 1) at shares x (K) of the past, 0 at its start and 1 now."""
    return _scaled_legendre(order, 2 * share - 1)


def legt(order: int, ago: Tensor) -> Tensor:
    """Return s_n P_n(1 - 2y) at times (K) y θ ago, 0 now and 1 at the far end of the window."""
    return _scaled_legendre(order, 1 - 2 * ago)


def lmu(order: int, ago: Tensor) -> Tensor:
    """Return P_n(2y - 1) at times (K) y θ ago, 0 now and 1 at the far end of the window."""
    return legendre(order, 2 * ago - 1)


def lagt(order: int, ago: Tensor, alpha: float = 0.0, beta: float = 1.0) -> Tensor:
    """Return y^α e^((β - 1) y / 2) L_n^(α)(y), over its norm, at times (K) y units ago."""
    n = torch.arange(order, dtype=ago.dtype)
    norm = torch.exp((torch.lgamma(n + alpha + 1) - torch.lgamma(n + 1)) / 2)
    weight = ago**alpha * torch.exp(beta * ago / 2)
    return weight[:, None] * weighted_laguerre(order, ago, alpha) / norm


def _scaled_legendre(order: int, x: Tensor) -> Tensor:
    return legendre(order, x) * legt_to_lmu(order).abs().to(x.dtype)
