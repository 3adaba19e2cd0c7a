"""RMSPropLSTM: an LSTM whose input drive is normalised by its mean square.

Nguyen et al. (2020), arXiv:2006.06919: the AdamLSTM without momentum; see ``cells/_normalised.py``.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered_lstm import FilteredLstm, FilteredLstmOptions
from urnn_bench.cells._normalised import NormalisedCell, RmspropOptions, normalised
from urnn_bench.cells.lstm import Weights
from urnn_bench.kernels import bptt
from urnn_bench.kernels.native import dense


class RmspropLstmOptions(RmspropOptions, FilteredLstmOptions):
    """The filter, and how the LSTM behind it starts."""


class RmspropLstm(FilteredLstm, NormalisedCell[Weights]):
    """The LSTM behind a normalisation."""

    Options = RmspropLstmOptions
    options: RmspropLstmOptions
    state_names = ("h", "c", "v", "s")
    kernels = normalised({"c": dense.LSTM, "bptt": bptt.LSTM})
