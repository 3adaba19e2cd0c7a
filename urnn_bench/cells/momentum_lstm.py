"""MomentumLSTM: an LSTM whose input drive has momentum, v_t = μ v_{t-1} + ε (W x_t + b_x).

Nguyen et al. (2020), arXiv:2006.06919, with the forget gate and the two biases of their released
code; its gates see v_t + U h_{t-1} + b_h. The true gradient ∂h_T/∂h_t is that of a plain LSTM, as v
contains no h: what momentum adds is a memory of inputs, with the gain ε/(1 - μ) for constant ones.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._filtered import Momentum, MomentumOptions, filtered
from urnn_bench.cells._filtered_lstm import FilteredLstm, FilteredLstmOptions
from urnn_bench.cells.lstm import Lstm, Weights


class MomentumLstmOptions(MomentumOptions, FilteredLstmOptions):
    """The filter, and how the LSTM behind it starts."""


class MomentumLstm(FilteredLstm, Momentum[Weights]):
    """The LSTM behind a filter of one pole."""

    Options = MomentumLstmOptions
    options: MomentumLstmOptions
    state_names = ("h", "c", "v")
    kernels = filtered(Lstm.kernels)
