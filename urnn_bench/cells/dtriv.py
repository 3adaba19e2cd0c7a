"""dtriv: an orthogonal recurrent network by dynamic trivialisation.

Lezcano-Casado (2019), arXiv:1909.09501: B = Q exp(A - Aᵀ), where Q is fixed for K updates and then
moved to where B has come, with A back at zero, so that the exponential is always taken near zero,
where it neither stretches nor folds gradients. As in the paper, Q moves between two updates; the
released code moves it within one (``dtriv_released``). That code sets Q to the nearest orthogonal
matrix after every hundred moves; here it is kept there by a step of Newton's whenever it is used.

T steps, B batch, F input features, H hidden width.
"""

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.cells._orthogonal import OrthogonalCell, OrthogonalOptions, Weights
from urnn_bench.spec.types import Count


class DtrivOptions(OrthogonalOptions):
    """How the matrix starts, and when its base moves."""

    rebase_every: Count | None = Field(
        100,
        description="K, after which the base moves; null for never",
        json_schema_extra={"unit": "updates"},
    )


class Dtriv(OrthogonalCell):
    """B = Q exp(A - Aᵀ)."""

    Options = DtrivOptions
    options: DtrivOptions
    base: Tensor

    def __init__(self, inputs: int, hidden: int, options: DtrivOptions) -> None:
        super().__init__(inputs, hidden, options)
        # a buffer, so that a checkpoint has Q; the initial rotation moves into it, and A is zero
        self.register_buffer("base", torch.eye(hidden))
        self._rebase()

    def weights(self) -> Weights:
        """Return V, the orthogonal matrix, and the biases."""
        rotation = reorthogonalise(self.base) @ self.exponential(self.skew)
        return Weights(self.w_x, rotation, self.bias)

    def on_update_end(self, step: int) -> None:
        """Move the base after every ``rebase_every`` updates."""
        every = self.options.rebase_every
        if every is not None and step % every == 0:
            self._rebase()

    @torch.no_grad()
    def _rebase(self) -> None:
        """Move Q to where B is, and A back to zero: B itself does not change."""
        self.move_base(self.skew)
        self.skew.zero_()

    def move_base(self, skew: Tensor) -> None:
        """Replace Q by Q exp(A - Aᵀ) for the upper triangle of A."""
        # in double precision, so that single precision loses no more than its last digit
        self.base.copy_(reorthogonalise(self.base.double()) @ self.exponential(skew.double()))


def reorthogonalise(q: Tensor) -> Tensor:
    """Return a matrix (H, H) that is almost orthogonal made so: Newton's step q (3 - qᵀq)/2.

    Björck and Bowie (1971), SIAM Journal on Numerical Analysis 8:2. It squares the distance to the
    nearest orthogonal matrix, so that rounding never adds up.
    """
    return 1.5 * q - 0.5 * q @ (q.T @ q)
