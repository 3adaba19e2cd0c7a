"""MomentumRNN: a tanh network whose input drive has momentum, v_t = μ v_{t-1} + ε (W x_t + b_x).

Nguyen et al. (2020), arXiv:2006.06919: h_t = tanh(U h_{t-1} + v_t + b_h). Their text leaves the
nonlinearity open; here it is that of the plain network it is compared with.

T steps, B batch, F input features, H hidden width.
"""

from urnn_bench.cells._elman import PlainOptions, PlainWeights
from urnn_bench.cells._filtered import BiasOptions, Momentum, MomentumOptions, filtered
from urnn_bench.cells.rnn import Rnn


class MomentumRnnOptions(MomentumOptions, BiasOptions, PlainOptions):
    """The filter, and how the network behind it starts."""


class MomentumRnn(Momentum[PlainWeights]):
    """The tanh network behind a filter of one pole."""

    Options = MomentumRnnOptions
    options: MomentumRnnOptions
    inner_type = Rnn
    plain: Rnn
    state_names = ("h", "v")
    kernels = filtered(Rnn.kernels)
