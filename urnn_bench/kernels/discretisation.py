"""One step of c' = A c + B f over an interval, by rules that hold f or average it.

``interval`` is one number, or a tensor (..., 1) with one for each row: samples that are not evenly
spaced have steps of their own. For LegS, c' = (A c + B f) / t, the interval is Δt / t (HiPPO,
arXiv:2008.07669, section 2.4 and appendix B.3).

N order of the memory, B batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from urnn_bench.kernels.memory_operators import Operator

Solve = Callable[[Tensor, Tensor], Tensor]


class Step(NamedTuple):
    """c ← Ā c + B̄ f: Ā (N, N) and B̄ (N)."""

    a: Tensor
    b: Tensor


def solve(matrix: Tensor, y: Tensor) -> Tensor:
    """Return M⁻¹ y for matrices (..., N, N) and vectors (..., N)."""
    found: Tensor = torch.linalg.solve(matrix, y.unsqueeze(-1))
    return found.squeeze(-1)


def solve_lower(matrix: Tensor, y: Tensor) -> Tensor:
    """Return M⁻¹ y for lower triangular matrices (..., N, N) and vectors (..., N)."""
    found: Tensor = torch.linalg.solve_triangular(matrix, y.unsqueeze(-1), upper=False)
    return found.squeeze(-1)


@dataclass(frozen=True)
class Bilinear:
    """(I - α h A) c⁺ = (I + (1 - α) h A) c + h B f: α is 0 for Euler's rule, 1/2 for Tustin's.

    Section B.3 of the paper has the rule as the generalised bilinear transform.
    """

    alpha: float

    def advance(
        self, operator: Operator, interval: Tensor, c: Tensor, f: Tensor, solve: Solve = solve
    ) -> Tensor:
        """Return c⁺ (B, N) of c (B, N) and f (B, 1), each row over its own interval (B, 1)."""
        a, b = operator
        explicit = c + (1 - self.alpha) * interval * (c @ a.T) + interval * b * f
        if not self.alpha:
            return explicit
        identity = torch.eye(len(b), dtype=a.dtype, device=a.device)
        return solve(identity - self.alpha * interval.unsqueeze(-1) * a, explicit)

    def step(self, operator: Operator, interval: float) -> Step:
        """Return Ā and B̄ for one interval."""
        a, b = operator
        identity = torch.eye(len(b), dtype=a.dtype, device=a.device)
        left, right = (
            identity - self.alpha * interval * a,
            identity + (1 - self.alpha) * interval * a,
        )
        both: Tensor = torch.linalg.solve(left, torch.cat([right, interval * b[:, None]], 1))
        return Step(both[:, :-1], both[:, -1])

    def scaled(self, interval: Tensor) -> Tensor:
        """Return the interval in the time that the operator counts: Δt / t for LegS, as it is."""
        return interval


@dataclass(frozen=True)
class ZeroOrderHold:
    """f is constant over the interval: c⁺ = e^(hA) c + A⁻¹ (e^(hA) - I) B f."""

    def advance(
        self, operator: Operator, interval: Tensor, c: Tensor, f: Tensor, solve: Solve = solve
    ) -> Tensor:
        """Return c⁺ (B, N) of c (B, N) and f (B, 1), each row over its own interval (B, 1)."""
        a, b = operator
        # e^(hA) (c + A⁻¹ B f) - A⁻¹ B f: one vector goes through the exponential
        rest = solve(a, b) * f
        exponential = torch.linalg.matrix_exp(interval.unsqueeze(-1) * a)
        moved: Tensor = (exponential @ (c + rest).unsqueeze(-1)).squeeze(-1)
        return moved - rest

    def step(self, operator: Operator, interval: float) -> Step:
        """Return Ā and B̄ for one interval."""
        a, b = operator
        exponential = torch.linalg.matrix_exp(interval * a)
        return Step(exponential, solve(a, exponential @ b - b))

    def scaled(self, interval: Tensor) -> Tensor:
        """Return ln(1 + Δt / t), the time from t to t + Δt that LegS counts."""
        return torch.log1p(interval)


Rule = Bilinear | ZeroOrderHold
RULES: dict[str, Rule] = {
    "bilinear": Bilinear(0.5),
    "forward_euler": Bilinear(0.0),
    "backward_euler": Bilinear(1.0),
    "zero_order_hold": ZeroOrderHold(),
}
