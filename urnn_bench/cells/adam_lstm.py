"""AdamLSTM: an LSTM whose input drive has momentum and is normalised by its mean square.

Nguyen et al. (2020), arXiv:2006.06919, as in their released code; see ``cells/_normalised.py`` for
the equations, and for what happens at an input of zero.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered import BiasOptions
from urnn_bench.cells._normalised import AdamOptions, NormalisedCell, normalised
from urnn_bench.cells.lstm import Lstm, LstmOptions
from urnn_bench.kernels.native import dense


class AdamLstmOptions(AdamOptions, BiasOptions, LstmOptions):
    """The filters, and how the LSTM behind them starts."""


class AdamLstm(NormalisedCell):
    """The LSTM behind both filters."""

    Options = AdamLstmOptions
    kind = Lstm
    state_names = ("h", "c", "v", "s")
    fused = normalised({"c": dense.LSTM})
