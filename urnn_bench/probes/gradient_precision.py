"""‖g₃₂ - g₆₄‖ / ‖g₆₄‖: how much of the gradient of the weights is rounding in float32.

g₃₂ and g₆₄ are the gradients of the loss to all trained parameters, computed by the time loop in
float32 and in float64 at the same weights and batch. About 1e-6 says that rounding does not matter;
1 or more, that a training step in float32 goes nowhere in particular; infinite, that the gradient
in float32 is not finite. It is nan if the gradient in float64 is zero or not finite.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe


class GradientPrecision(Probe):
    """The relative difference of the gradients of two precisions."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return one number () for the whole network."""
        single = trace.weights_gradient(torch.float32).double()
        double = trace.weights_gradient(torch.float64)
        size = torch.linalg.vector_norm(double)
        if not torch.isfinite(size) or size == 0:
            return {"": torch.tensor(torch.nan, dtype=torch.float64)}
        if not torch.isfinite(single).all():
            return {"": torch.tensor(torch.inf, dtype=torch.float64)}
        return {"": torch.linalg.vector_norm(single - double) / size}
