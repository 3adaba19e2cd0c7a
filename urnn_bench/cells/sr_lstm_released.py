"""SRLSTM as released for MNIST and TIMIT: Nesterov's step on the whole pre-activation.

The code of Nguyen et al. (2020), arXiv:2006.06919, has, for these tasks and not for the others,

    y_t = U h_{t-1} + b_h - ε (W x_t + b_x),   z_t = y_t + m_k (y_t - y_{t-1}),   y_0 = 0,

where the paper's filter, ``sr_lstm``, holds inputs alone. It sees h_{t-1} and h_{t-2}, so that
nothing of it runs ahead of the recurrence; W absorbs the sign, but that of b_x changes what the
forget gate starts from.

T steps, B batch, F input features, H hidden width.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from urnn_bench.cells._filtered_lstm import FilteredLstm
from urnn_bench.cells.lstm import Weights, gated
from urnn_bench.cells.sr_lstm import SrLstmOptions
from urnn_bench.kernels.filters import restarting
from urnn_bench.kernels.time_loop import State


class MomentumDrive(NamedTuple):
    """m_k of every step, which the batch shares, and the input's part of the pre-activation."""

    momentum: Tensor
    gates: Tensor


class SrLstmReleased(FilteredLstm):
    """The LSTM with the last two pre-activations in every gate."""

    Options = SrLstmOptions
    options: SrLstmOptions
    state_names = ("h", "c", "y")
    time_varying = True

    def drive(self, x: Tensor, w: Weights) -> MomentumDrive:
        """Return m_k (T) and b_h - ε (W x_t + b_x): (T, B, 4H)."""
        g = torch.nn.functional.linear(self.with_bias_input(x), w.w_x)
        inner = w.bias - self.options.step_size * g
        return MomentumDrive(restarting(x, self.options.restart), inner)

    def step(self, u: MomentumDrive, state: State, w: Weights) -> State:
        """Return the LSTM's next state from y + m (y - y before)."""
        h, c, previous_y = state
        y = torch.addmm(u.gates, h, w.w_h.T)
        return (*gated(y + u.momentum * (y - previous_y), c), y)

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        h, c = self.plain.initial_state(batch)
        return (h, c, h.new_zeros(batch, 4 * self.hidden))
