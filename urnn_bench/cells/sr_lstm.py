"""SRLSTM: an LSTM behind Nesterov's filter that starts anew every F steps, by scheduled restart.

Nguyen et al. (2020), arXiv:2006.06919: v_t = m_k v_{t-1} + ε (W x_t + b_x), m_k = (k - 1)/(k + 2),
and k counts the steps of a sequence from 1 to F, again and again. At k = 1 the filter forgets all.
With F = 2, the released setting for MNIST and speech, it is a filter of two taps at every other
step.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered import Nesterov, RestartOptions, filtered
from urnn_bench.cells._filtered_lstm import FilteredLstm, FilteredLstmOptions
from urnn_bench.cells.lstm import Lstm, Weights


class SrLstmOptions(RestartOptions, FilteredLstmOptions):
    """The filter, and how the LSTM behind it starts."""


class SrLstm(FilteredLstm, Nesterov[Weights]):
    """The LSTM behind a filter that restarts."""

    Options = SrLstmOptions
    options: SrLstmOptions
    state_names = ("h", "c", "v")
    kernels = filtered(Lstm.kernels)
