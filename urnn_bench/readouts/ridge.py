"""Ridge regression: the linear readout of least squares with a penalty, solved in closed form.

Hoerl and Kennard (1970), Technometrics 12, equation 2.1, as in echo state networks (Lukoševičius
and Jaeger 2009, Computer Science Review 3, section 8.1.1). The targets are numbers, or classes as
ones and zeros. The bias has no penalty. The penalty is the one with the smallest squared error on
validation.

The features are streamed into their second moments in float64, so memory does not grow with their
number. One eigendecomposition then serves all penalties. The outputs for classes are near 0 and 1
and no logits: compare accuracies, not cross-entropies.

R features, O outputs, N sequences or steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import starmap
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from urnn_bench.errors import ComponentError
from urnn_bench.readouts.base import Examples, SolvedReadout
from urnn_bench.spec.types import Config, Positive


class RidgeOptions(Config):
    """The penalties to choose from."""

    penalties: Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)] = Field(
        (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0),
        description="times the squared weights; the error is a sum over the training examples",
    )


class RidgeReadout(SolvedReadout):
    """Linear regression with a penalty that validation chooses."""

    Options = RidgeOptions
    options: RidgeOptions

    def __init__(self, features: int, outputs: int, options: RidgeOptions) -> None:
        super().__init__(features, outputs, options)
        self.weight = nn.Parameter(torch.zeros(outputs, features))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return W h + b: (..., R) to (..., O)."""
        return self.linear(features, self.weight, self.bias)

    def solve(self, train: Iterable[Examples], validation: Iterable[Examples]) -> str:
        """Set W and b to the solution; return the penalty in words.

        Raises ComponentError if a training example is not finite.
        """
        moments = _Moments.of(train)
        moments.check()
        held_out = _Moments.of(validation)
        penalties = self.options.penalties
        solutions = dict(zip(penalties, moments.solutions(penalties), strict=True))
        errors = {a: held_out.squared_error(*solution) for a, solution in solutions.items()}
        best = min(errors, key=lambda penalty: errors[penalty])
        weight, bias = solutions[best]
        with torch.no_grad():
            self.weight.copy_(weight.T)
            self.bias.copy_(bias)
        return f"penalty {best:g} of {len(errors)}, {moments.examples} training examples"


@dataclass(frozen=True)
class _Moments:
    """Sums over N examples (x, y): their number, of x, y, xxᵀ, xyᵀ and y²; float64."""

    examples: int
    x: Tensor
    y: Tensor
    xx: Tensor
    xy: Tensor
    yy: Tensor

    @classmethod
    def of(cls, batches: Iterable[Examples]) -> "_Moments":
        """Return the sums over batches of features (N, R) and targets (N, O)."""
        return reduce(cls._plus, starmap(cls._of_batch, batches))

    @classmethod
    def _of_batch(cls, x: Tensor, y: Tensor) -> "_Moments":
        return cls(len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y, y.square().sum())

    def check(self) -> None:
        """Raise ComponentError if there is no solution, as a sum is not finite."""
        # nan and infinity stay in a sum
        if not torch.isfinite(torch.stack([self.xx.sum(), self.xy.sum(), self.yy])).all():
            raise ComponentError(
                "ridge regression needs finite features and targets, and those of training are "
                "infinite, nan or too large to be squared; let the cell's states grow less, in a "
                "reservoir by a smaller 'spectral_radius' or 'input_scaling'"
            )

    def _plus(self, other: "_Moments") -> "_Moments":
        return _Moments(
            self.examples + other.examples,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
        )

    def solutions(self, penalties: Sequence[float]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield W (R, O) and b (O) with the least penalised error, for every penalty."""
        mean_x, mean_y = self.x / self.examples, self.y / self.examples
        xx = self.xx - torch.outer(self.x, mean_x)
        xy = self.xy - torch.outer(self.x, mean_y)
        values, vectors = torch.linalg.eigh(xx)
        # rounding makes some of them negative
        values, projected = values.clamp(min=0)[:, None], vectors.T @ xy
        for penalty in penalties:
            weight = vectors @ (projected / (values + penalty))
            yield weight, mean_y - mean_x @ weight

    def squared_error(self, weight: Tensor, bias: Tensor) -> float:
        """Return the sum of |W x + b - y|² over the examples."""
        quadratic = ((self.xx @ weight) * weight).sum() - 2 * (self.xy * weight).sum()
        shifted = 2 * bias @ (self.x @ weight - self.y) + self.examples * bias.square().sum()
        return float(quadratic + shifted + self.yy)
