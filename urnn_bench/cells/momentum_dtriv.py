"""MomentumDTRIV: the orthogonal network of dtriv behind momentum, v_t = μ v_{t-1} + ε V x_t.

Nguyen et al. (2020), arXiv:2006.06919: h_t = modReLU(h_{t-1} B + v_t). No bias is filtered.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered import Momentum, MomentumOptions, filtered
from urnn_bench.cells._orthogonal import Weights
from urnn_bench.cells.dtriv import Dtriv, DtrivOptions


class MomentumDtrivOptions(MomentumOptions, DtrivOptions):
    """The filter, and the network behind it."""


class MomentumDtriv(Momentum[Weights]):
    """dtriv behind a filter of one pole."""

    Options = MomentumDtrivOptions
    options: MomentumDtrivOptions
    inner_type = Dtriv
    plain: Dtriv
    state_names = ("h", "v")
    kernels = filtered(Dtriv.kernels)
