"""A uRNN whose input drive has momentum: z_t = W h_{t-1} + v_t, v_t = μ v_{t-1} + ε V x_t.

The momentum of Nguyen et al. (2020), arXiv:2006.06919, who apply it to orthogonal networks, before
the unitary recurrence of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, which no paper did.

T steps, B batch, F input features, H hidden width (complex).
"""

from urnn_bench.cells._filtered import Momentum, MomentumOptions, filtered
from urnn_bench.cells.urnn import Urnn, UrnnOptions, Weights


class MomentumUrnnOptions(MomentumOptions, UrnnOptions):
    """The filter, and where the uRNN's paper and its code differ."""


class MomentumUrnn(Momentum[Weights]):
    """The uRNN behind a filter of one pole."""

    Options = MomentumUrnnOptions
    options: MomentumUrnnOptions
    inner_type = Urnn
    plain: Urnn
    state_names = ("h", "v")
    kernels = filtered(Urnn.kernels)
