"""Elman network with tanh: h_t = tanh(W h_{t-1} + V x_t + b).

The baseline of Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, section 5, as their code has
it: Glorot's initial values, zero biases, h_0 learned from zero (the paper does not mention it).

T steps, B batch, F input features, H hidden width.
"""

import torch
from torch import Tensor

from urnn_bench.cells._elman import ElmanCell, PlainWeights
from urnn_bench.kernels import bptt, vendor
from urnn_bench.kernels.native import dense
from urnn_bench.kernels.time_loop import State


class Rnn(ElmanCell):
    """The tanh RNN."""

    kernels = {"c": dense.TANH_RNN, "vendor": vendor.TANH_RNN, "bptt": bptt.TANH_RNN}

    def step(self, u: Tensor, state: State, w: PlainWeights) -> State:
        """Return tanh(W h + u)."""
        return (torch.tanh(torch.addmm(u, state[0], w.w_h.T)),)
