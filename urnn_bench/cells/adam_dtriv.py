"""AdamDTRIV: the orthogonal network of dtriv, its drive with momentum and normalised.

Nguyen et al. (2020), arXiv:2006.06919; see ``cells/_normalised.py`` for the equations. No bias
stands in the filters, nor beside them.

T steps, B batch, F input features, H hidden width.
"""

from typing import Any

from urnn_bench.cells._normalised import AdamOptions, NormalisedCell, normalised
from urnn_bench.cells.dtriv import Dtriv, DtrivOptions


class AdamDtrivOptions(AdamOptions, DtrivOptions):
    """The filters, and the network behind them."""


class AdamDtriv(NormalisedCell):
    """dtriv behind both filters."""

    Options = AdamDtrivOptions
    kind = Dtriv
    state_names = ("h", "v", "s")
    kernels = normalised(Dtriv.kernels)

    def outer(self, w: Any) -> float:  # noqa: ARG002  modReLU's bias is no part of the drive
        """Return nothing."""
        return 0.0
