"""How well a linear readout of features recalls targets, from second moments alone.

One eigendecomposition serves all targets and penalties, so features are streamed and memory does
not grow with the number of samples.

R features, K targets, N samples, P penalties.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log10

import torch
from torch import Tensor

# half decades, up to features that are all but ignored
_DECADES = 4


@dataclass(frozen=True)
class Covariances:
    """Covariances of N samples of x (R) and y (K): xx (R, R), xy (R, K) and yy (K); float64.

    ``size`` is the mean square of a feature, its mean included.
    """

    samples: int
    xx: Tensor
    xy: Tensor
    yy: Tensor
    size: float


def covariances(batches: Iterable[tuple[Tensor, Tensor]]) -> Covariances:
    """Return the covariances of batches of features (N, R) and targets (N, K)."""
    parts = iter(batches)
    x, y = next(parts)
    samples, features, sums = len(x), x.shape[1], _products(x, y)
    for x, y in parts:
        samples += len(x)
        sums += _products(x, y)
    second, mean = sums / samples, sums[0] / samples
    both = second - torch.outer(mean, mean)
    xs, ys = slice(1, 1 + features), slice(1 + features, None)
    size = float(second.diagonal()[xs].mean())
    return Covariances(samples, both[xs, xs], both[xs, ys], both.diagonal()[ys], size)


def _products(x: Tensor, y: Tensor) -> Tensor:
    """Return the sums of the products of all pairs of 1, x and y: (1 + R + K, 1 + R + K)."""
    z = torch.cat([x.new_ones(len(x), 1), x, y], 1)
    return z.T @ z


def squared_correlations(fit: Covariances, test: Covariances, precision: float) -> Tensor:
    """Return the squared correlation of each target with what a readout gives back of it, (K).

    The readout is fitted on ``fit`` and scored on ``test``. In both, a state is known to
    ``precision``, a share of its size. The result is nan if a feature is not finite, and 0 if none
    varies.
    """
    if not all(torch.isfinite(c.xx).all() for c in (fit, test)):
        return torch.full_like(fit.yy, torch.nan)
    weight = ridge(fit, precision**2)
    explained = (weight * test.xy).sum(0).square()
    noise = precision**2 * test.size * weight.square().sum(0)
    spread = ((test.xx @ weight) * weight).sum(0).clamp(min=0) + noise
    return torch.where(spread > 0, explained / (spread * test.yy), 0.0)


def ridge(c: Covariances, least: float) -> Tensor:
    """Return the readout W (R, K) of least squares with a penalty of its own for each target.

    The penalties are shares of the features' size, ``least`` and more. Of these it is the one with
    the least generalised cross-validation (Golub, Heath and Wahba 1979, Technometrics 21).
    """
    # states that are always 0 give back the mean
    size = max(c.size, torch.finfo(c.xx.dtype).tiny)
    values, vectors = torch.linalg.eigh(c.xx / size)
    # rounding makes some of them negative
    values, projected = values.clamp(min=0), vectors.T @ c.xy / size
    penalties = _penalties(least)
    explained = _gains(values, penalties) @ (projected.square() * size)
    errors = (c.yy - explained).clamp(min=0) / _freedom(values, penalties, c.samples).square()
    chosen = penalties[errors.argmin(0)]
    weight: Tensor = vectors @ (projected / (values[:, None] + chosen))
    return weight


def _penalties(least: float) -> Tensor:
    """Return half decades from ``least``, (P)."""
    powers = torch.arange(log10(least), _DECADES, 0.5, dtype=torch.float64)
    penalties: Tensor = 10**powers
    return penalties


def _gains(values: Tensor, penalties: Tensor) -> Tensor:
    """Return how much of the squared error a squared projection takes away, (P, R)."""
    penalty = penalties[:, None]
    return (values + 2 * penalty) / (values + penalty).square()


def _freedom(values: Tensor, penalties: Tensor, samples: int) -> Tensor:
    """Return the share of the samples that the readout leaves free, (P, 1)."""
    # the mean takes one sample too
    taken = 1 + (values / (values + penalties[:, None])).sum(1, keepdim=True)
    return (1 - taken / samples).clamp(min=torch.finfo(values.dtype).eps)
