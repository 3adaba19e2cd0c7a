"""expRNN: an orthogonal recurrent network whose matrix is the exponential of a skew-symmetric one.

Lezcano-Casado and Martínez-Rubio (2019), arXiv:1901.08428: h_t = modReLU(h_{t-1} B + V x_t) with
B = exp(A - Aᵀ), always orthogonal, by gradients through the exponential.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._orthogonal import OrthogonalCell, OrthogonalOptions, Weights


class ExpRnn(OrthogonalCell):
    """B = exp(A - Aᵀ)."""

    Options = OrthogonalOptions

    def weights(self) -> Weights:
        """Return V, the exponential, and the biases."""
        return Weights(self.w_x, self.exponential(self.skew), self.bias)
