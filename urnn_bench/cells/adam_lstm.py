"""AdamLSTM: an LSTM whose input drive has momentum and is normalised by its mean square.

Nguyen et al. (2020), arXiv:2006.06919, as in their released code; see ``cells/_normalised.py`` for
the equations, and for what happens at an input of zero.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered_lstm import FilteredLstm, FilteredLstmOptions
from urnn_bench.cells._normalised import AdamOptions, NormalisedCell, normalised
from urnn_bench.cells.lstm import Weights
from urnn_bench.kernels import bptt
from urnn_bench.kernels.native import dense


class AdamLstmOptions(AdamOptions, FilteredLstmOptions):
    """The filters, and how the LSTM behind them starts."""


class AdamLstm(FilteredLstm, NormalisedCell[Weights]):
    """The LSTM behind both filters."""

    Options = AdamLstmOptions
    options: AdamLstmOptions
    state_names = ("h", "c", "v", "s")
    kernels = normalised({"c": dense.LSTM, "bptt": bptt.LSTM})
