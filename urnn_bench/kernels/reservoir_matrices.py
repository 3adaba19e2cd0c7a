"""The recurrent matrix of a reservoir in the forms that save memory, drawn and scaled.

A form is a NamedTuple of tensors; ``product`` is its definition, which faster kernels are tested
against, and ``matrix`` writes it out.

B batch, H units, K reservoirs of M = H / K units each, D units that a unit sees.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import eigs
from torch import Tensor

# LAPACK solves so many units in half a second, and the time grows with their cube
LARGEST_FULL_PROBLEM = 1000
# rows of random numbers that are drawn at once
_ROWS = 256


class Dense(NamedTuple):
    """W (H, H)."""

    w: Tensor

    def product(self, h: Tensor) -> Tensor:
        """Return W h: (B, H) to (B, H)."""
        return h @ self.w.T

    def matrix(self) -> Tensor:
        """Return W (H, H)."""
        return self.w


class Sparse(NamedTuple):
    """D entries in every row: their columns (H, D), int32, and values (H, D)."""

    columns: Tensor
    values: Tensor

    def product(self, h: Tensor) -> Tensor:
        """Return W h: (B, H) to (B, H)."""
        return (h[:, self.columns] * self.values).sum(-1)

    def matrix(self) -> Tensor:
        """Return W (H, H)."""
        zeros = self.values.new_zeros(len(self.values), len(self.values))
        return zeros.scatter(1, self.columns.long(), self.values)


class Blocks(NamedTuple):
    """Reservoirs that do not see each other: w (K, M, M)."""

    w: Tensor

    def product(self, h: Tensor) -> Tensor:
        """Return W h: (B, H) to (B, H)."""
        parts = h.view(len(h), *self.w.shape[:2]).transpose(0, 1)
        return (parts @ self.w.transpose(1, 2)).transpose(0, 1).reshape(h.shape)

    def matrix(self) -> Tensor:
        """Return W (H, H)."""
        (reservoirs, units, _), places = self.w.shape, torch.arange(len(self.w))
        rows = self.w.new_zeros(reservoirs, units, reservoirs, units)
        rows[places, :, places] = self.w
        return rows.view(reservoirs * units, reservoirs * units)


class Ring(NamedTuple):
    """Reservoirs in a ring: w (K, M, M); a unit sees that of its place in the one before, link (H).

    The reservoir before the first one is the last.
    """

    w: Tensor
    link: Tensor

    def product(self, h: Tensor) -> Tensor:
        """Return W h: (B, H) to (B, H)."""
        return Blocks(self.w).product(h) + self.link * h.roll(self.w.shape[1], -1)

    def matrix(self) -> Tensor:
        """Return W (H, H)."""
        links = torch.diag(self.link).roll(-self.w.shape[1], 1)
        return Blocks(self.w).matrix() + links


class Cycle(NamedTuple):
    """Every unit sees the one before it, with one weight () for all."""

    weight: Tensor

    def product(self, h: Tensor) -> Tensor:
        """Return W h: (B, H) to (B, H)."""
        return self.weight * h.roll(1, -1)


Matrix = Dense | Sparse | Blocks | Ring | Cycle


def uniform(*shape: int) -> Tensor:
    """Return numbers from [-1, 1]."""
    return torch.empty(shape).uniform_(-1, 1)


def sparse(units: int, density: float) -> Sparse:
    """Return entries from [-1, 1] at random places, as many in every row and at least one.

    With one entry or more in every row some units form a cycle, so the spectral radius is not zero.
    """
    count = max(1, round(density * units))
    columns = torch.cat([rows.topk(count).indices for rows in _random_rows(units)])
    return Sparse(columns.int(), uniform(units, count))


def _random_rows(units: int) -> Iterator[Tensor]:
    """Yield the rows of random numbers (H, H), as many as fit into little memory at a time."""
    for first in range(0, units, _ROWS):
        yield torch.rand(min(_ROWS, units - first), units)


def blocks(reservoirs: int, units: int, density: float) -> Tensor:
    """Return the matrices (K, M, M) of reservoirs, each drawn as ``sparse`` draws."""
    return torch.stack([sparse(units, density).matrix() for _ in range(reservoirs)])


def scaled(form: Matrix, values: Tensor, radius: float) -> Tensor:
    """Return entries of a form times what gives it its spectral radius."""
    numbers: Tensor = values.double() * radius / spectral_radius(form)
    return numbers.to(values.dtype)


def spectral_radius(form: Matrix) -> Tensor:
    """Return the largest absolute eigenvalue (), to 1e-6 of itself, in float64.

    Of all eigenvalues up to ``LARGEST_FULL_PROBLEM`` units, above by Arnoldi's method (ARPACK:
    Lehoucq, Sorensen and Yang 1998).
    """
    if isinstance(form, Cycle):
        return form.weight.double().abs()
    if isinstance(form, Blocks):
        return _full(form.w)
    # the last tensor of a form has a row for each unit
    return _full(form.matrix()) if len(form[-1]) <= LARGEST_FULL_PROBLEM else _iterative(form)


def _full(matrices: Tensor) -> Tensor:
    largest: Tensor = torch.linalg.eigvals(matrices.double()).abs().amax()
    return largest


def _iterative(form: Dense | Sparse | Ring) -> Tensor:
    if form[-1].is_meta:
        return torch.ones((), dtype=torch.float64)
    matrix = _csr(form)
    core = _without_unseen_units(matrix)
    if core.shape[0] <= LARGEST_FULL_PROBLEM:
        return _full(torch.from_numpy(core.toarray()))
    # else ARPACK starts from random numbers of its own
    start = np.random.default_rng(0).standard_normal(matrix.shape[0])
    # several eigenvalues: asked for one, it may return the second largest of a random matrix, whose
    # eigenvalues lie densely at the edge
    found = eigs(matrix, k=8, ncv=80, v0=start, return_eigenvectors=False)
    return torch.tensor(np.abs(found).max(), dtype=torch.float64)


def _without_unseen_units(matrix: csr_matrix) -> csr_matrix:
    """Return W without the units on which no cycle depends; they add eigenvalues of 0 alone.

    With one entry in a row that is most of them, and ARPACK may take minutes over such a matrix.
    """
    seen = matrix.getnnz(axis=0) > 0
    while not seen.all():
        matrix = matrix[seen][:, seen]
        seen = matrix.getnnz(axis=0) > 0
    return matrix


def _csr(form: Dense | Sparse | Ring) -> csr_matrix:
    if not isinstance(form, Sparse):
        return csr_matrix(form.matrix().double().numpy())
    units, count = form.values.shape
    starts = np.arange(units + 1) * count
    entries = (form.values.double().flatten().numpy(), form.columns.flatten().numpy(), starts)
    return csr_matrix(entries, shape=(units, units))
