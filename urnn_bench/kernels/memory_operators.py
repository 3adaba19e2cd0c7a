"""Linear operators of memories that project a signal's past onto polynomials: c' = A c + B f.

Gu, Dao, Ermon, Rudra and Ré, "HiPPO: Recurrent Memory with Optimal Polynomial Projections" (2020),
arXiv:2008.07669: c_n(t) is the coefficient of the n-th polynomial in the best approximation of f
until t, under a measure that says which times count. Signs are within A. Everything is float64, as
entries grow with N.

N order of the memory, s_n = √(2n + 1).
"""

from math import gamma, sqrt
from typing import NamedTuple

import torch
from torch import Tensor


class Operator(NamedTuple):
    """A (N, N) and B (N)."""

    a: Tensor
    b: Tensor


def _scales(order: int) -> Tensor:
    """Return s_n = √(2n + 1), (N): the norm of a Legendre polynomial on [0, 1] is 1/s_n."""
    return (2 * torch.arange(order, dtype=torch.float64) + 1).sqrt()


def _signs(order: int) -> Tensor:
    """Return (-1)^n, (N)."""
    return 1 - 2 * (torch.arange(order, dtype=torch.float64) % 2)


def legs(order: int) -> Operator:
    """Return LegS: every time from 0 to t counts alike; c' = (A c + B f) / t (theorem 2)."""
    s = _scales(order)
    n = torch.arange(order, dtype=torch.float64)
    return Operator(-torch.tril(torch.outer(s, s), -1) - torch.diag(n + 1), s)


def legt(order: int) -> Operator:
    """Return LegT: the last θ count alike; c' = (A c + B f) / θ (theorem 1)."""
    s, sign = _scales(order), _signs(order)
    outer = torch.outer(s, s)
    return Operator(-torch.tril(outer) - torch.triu(outer * torch.outer(sign, sign), 1), s)


def lagt(order: int, alpha: float = 0.0, beta: float = 1.0) -> Operator:
    """Return LagT: the past counts by e^-y, y ago; c' = A c + B f (theorem 1, appendix D.2).

    c_n is the integral of f, e^(-(1 + β) y / 2) and the generalised Laguerre polynomial L_n^(α)(y),
    over the polynomial's norm. With α = 0 and β = 1 it is the measure of theorem 1; with β = 0 the
    functions are orthonormal without a measure, as in the authors' released code for LagT.
    """
    n = torch.arange(order, dtype=torch.float64)
    # C(n + α, n), the polynomial at y = 0, and the square of its norm, Γ(n + α + 1) / n!
    norm_squared = torch.exp(torch.lgamma(n + alpha + 1) - torch.lgamma(n + 1))
    at_zero, norm = norm_squared / gamma(alpha + 1), norm_squared.sqrt()
    a = -(1 + beta) / 2 * torch.eye(order, dtype=torch.float64)
    a = a - torch.tril(torch.ones_like(a), -1)
    return Operator(a * norm / norm[:, None], at_zero / norm)


def lmu(order: int) -> Operator:
    """Return the Legendre delay of the LMU; c' = (A c + B f) / θ.

    Voelker, Kajić and Eliasmith (2019), NeurIPS 32, equation 2. It is LegT in another basis: see
    ``legt_to_lmu``.
    """
    n = torch.arange(order, dtype=torch.float64)
    sign = _signs(order)
    below = -torch.outer(sign, sign)
    a = torch.where(n[:, None] < n, -1.0, below) * (2 * n + 1)[:, None]
    return Operator(a, (2 * n + 1) * sign)


def legt_to_lmu(order: int) -> Tensor:
    """Return the diagonal D (N) of the change of basis: A_lmu = D A_legt D⁻¹, B_lmu = D B_legt."""
    return _signs(order) * _scales(order)


def random_scaled(order: int) -> Operator:
    """Return a random operator whose slowest modes are as slow as LegS's, to be scaled by 1/t."""
    return random(order, decay=2.0)


def random(order: int, decay: float = 1.0) -> Operator:
    """Return A = G/√N - decay I and B of normal entries: a control; it draws from torch.

    The eigenvalues of G/√N fill the unit disc, so with a decay of 1 its slowest modes last, and
    with 2 they are as slow as LegS's, whose first eigenvalue is -1.
    """
    a = torch.randn(order, order, dtype=torch.float64) / sqrt(order)
    return Operator(
        a - decay * torch.eye(order, dtype=torch.float64), torch.randn(order, dtype=torch.float64)
    )
