"""The reciprocal gated cell without its gating: what would gate is added.

An ablation of Nayebi et al. (2018), arXiv:1807.00053, with the same convolutions and so as many
parameters as ``reciprocal_gated``:

    c_t = elu(W_cc * c_{t-1} + W_xc * x_t + W_hc * h_{t-1})
    h_t = elu(W_hh * h_{t-1} + x_t + W_ch * c_{t-1})

It still bypasses: from zero states h_1 is elu(x_1).
"""

from torch import Tensor
from torch.nn import functional

from urnn_bench.cells.units.base import convolved
from urnn_bench.cells.units.reciprocal_gated import ReciprocalGated, Weights
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.network import Path


class ReciprocalGatedWithoutGating(ReciprocalGated):
    """Two states, an output h and a memory c."""

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h and c, both of the states before."""
        h, c = state
        c_of_h, h_of_h = convolved(h, w.by_h).chunk(2, dim=-3)
        c_of_c, h_of_c = convolved(c, w.by_c).chunk(2, dim=-3)
        return (
            functional.elu(h_of_h + (x + h_of_c)),
            functional.elu(c_of_c + (convolved(x, w.by_x) + c_of_h)),
        )

    def flops(self) -> float:
        """Five convolutions, and three operations of each channel in each state."""
        return self.convolution_flops(5) + 6 * self.channels

    def paths(self) -> tuple[Path, ...]:
        """Return the six terms of the equations."""
        bypass = Path(source="x", target="h")
        pairs = (("h", "h"), ("c", "h"), ("c", "c"), ("x", "c"), ("h", "c"))
        convolved_ones = [Path(source=a, target=b, convolved=True) for a, b in pairs]
        return (bypass, *convolved_ones)
