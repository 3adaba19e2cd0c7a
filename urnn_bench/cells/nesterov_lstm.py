"""NesterovLSTM: an LSTM whose input drive has Nesterov's momentum.

Nguyen et al. (2020), arXiv:2006.06919: v_t = m_t v_{t-1} + ε (W x_t + b_x), m_t = (t - 1)/(t + 2),
a filter that forgets ever less over a sequence. This is the paper's form, of inputs alone, which
the released code has for language modelling; for MNIST and TIMIT it has another,
``sr_lstm_released``.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered import Nesterov, StepOptions, filtered
from urnn_bench.cells._filtered_lstm import FilteredLstm, FilteredLstmOptions
from urnn_bench.cells.lstm import Lstm, Weights


class NesterovLstmOptions(StepOptions, FilteredLstmOptions):
    """The filter, and how the LSTM behind it starts."""


class NesterovLstm(FilteredLstm, Nesterov[Weights]):
    """The LSTM behind Nesterov's filter."""

    Options = NesterovLstmOptions
    options: NesterovLstmOptions
    state_names = ("h", "c", "v")
    kernels = filtered(Lstm.kernels)
