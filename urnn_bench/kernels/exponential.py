"""The exponential of a matrix whose gradient costs twice as much as itself.

torch's takes the gradient from the exponential of a matrix of twice the size, which costs eight
times as much again. Here it is Taylor's polynomial of degree 12, of the matrix halved until its
norm is small, then squared as often: a handful of products, which autograd differentiates.

Paterson and Stockmeyer (1973), SIAM Journal on Computing 2:60, for the polynomial in five products;
Moler and Van Loan (2003), SIAM Review 45:3, method 3, for scaling and squaring.
"""

from math import ceil, factorial, log2

import torch
from torch import Tensor

_DEGREE = 12
_C = [1 / factorial(k) for k in range(_DEGREE + 1)]


def exponential(a: Tensor) -> Tensor:
    """Return e^a for a square matrix (H, H), to rounding.

    The number of halvings depends on the norm of a, so the host waits for a GPU that holds it.
    """
    halvings = _halvings(a)
    power = _taylor(a / 2**halvings)
    for _ in range(halvings):
        power = power @ power
    return power


def _halvings(a: Tensor) -> int:
    """Return how often a has to be halved for the first term left out to be below rounding."""
    # ‖a‖¹³/13! below half a unit in the last place; later terms are smaller still
    largest = (torch.finfo(a.dtype).eps / 2 * factorial(_DEGREE + 1)) ** (1 / (_DEGREE + 1))
    # the 1-norm, as Moler and Van Loan have it. A meta tensor has no norm, and what is not finite
    # is not halved and comes out as NaN
    norm = 0.0 if a.is_meta else float(a.detach().abs().sum(0).max())
    return max(0, ceil(log2(norm / largest))) if 0 < norm < float("inf") else 0


def _taylor(a: Tensor) -> Tensor:
    """Return the sum of a^k/k! to k = 12, as a polynomial in a⁴ with three of degree 3 within."""
    # three products for the powers, two for the polynomial: Horner's rule would take eleven
    one = torch.eye(len(a), dtype=a.dtype, device=a.device)
    a2 = a @ a
    a3, a4 = a2 @ a, a2 @ a2

    def cubic(k: int) -> Tensor:
        return _C[k] * one + _C[k + 1] * a + _C[k + 2] * a2 + _C[k + 3] * a3

    return cubic(0) + a4 @ (cubic(4) + a4 @ (cubic(8) + _C[12] * a4))
