"""AdamDTRIV: the orthogonal network of dtriv, its drive with momentum and normalised.

Nguyen et al. (2020), arXiv:2006.06919; see ``cells/_normalised.py`` for the equations. There is no
bias in the filters, nor beside them.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._normalised import AdamOptions, NormalisedCell, normalised
from urnn_bench.cells._orthogonal import Weights
from urnn_bench.cells.dtriv import Dtriv, DtrivOptions
from urnn_bench.kernels import rotation


class AdamDtrivOptions(AdamOptions, DtrivOptions):
    """The filters, and the network behind them."""


class AdamDtriv(NormalisedCell[Weights]):
    """dtriv behind both filters."""

    Options = AdamDtrivOptions
    options: AdamDtrivOptions
    inner_type = Dtriv
    plain: Dtriv
    state_names = ("h", "v", "s")
    kernels = normalised({"bptt": rotation.MODRELU})

    def outer_bias(self, w: Weights) -> float:  # noqa: ARG002  modReLU's is no part of the drive
        """Return nothing."""
        return 0.0
