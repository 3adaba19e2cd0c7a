"""SRLSTM as released for MNIST and TIMIT: Nesterov's step on the whole pre-activation.

The code of Nguyen et al. (2020), arXiv:2006.06919, has, for these tasks and not for the others,

    y_t = U h_{t-1} + b_h - ε (W x_t + b_x),   z_t = y_t + m_k (y_t - y_{t-1}),   y_0 = 0,

where the paper's filter, ``sr_lstm``, holds inputs alone. It sees h_{t-1} and h_{t-2}, so that
nothing of it runs ahead of the recurrence; W absorbs the sign, but that of b_x changes what the
forget gate starts from.

T steps, B batch, F input features, H hidden width.
"""

import torch
from torch import Tensor

from urnn_bench.cells._filtered_lstm import FilteredLstm
from urnn_bench.cells.lstm import Weights, gated
from urnn_bench.cells.sr_lstm import SrLstmOptions
from urnn_bench.kernels.filters import restarting
from urnn_bench.kernels.time_loop import State


class SrLstmReleased(FilteredLstm):
    """The LSTM with the last two pre-activations in every gate."""

    Options = SrLstmOptions
    options: SrLstmOptions
    state_names = ("h", "c", "y")
    time_varying = True

    def drive(self, x: Tensor, w: Weights) -> Tensor:
        """Return m_k and b_h - ε (W x_t + b_x): (T, B, 1 + 4H)."""
        momentum = restarting(x, self.options.restart).view(-1, 1, 1)
        g = torch.nn.functional.linear(self.with_bias_input(x), w.w_x)
        inner = w.bias - self.options.step_size * g
        # a drive is one tensor, so m_k travels as its first column
        return torch.cat([momentum.expand(-1, x.shape[1], -1), inner], -1)

    def step(self, u: Tensor, state: State, w: Weights) -> State:
        """Return the LSTM's next state from y + m (y - y before)."""
        h, c, previous_y = state
        y = torch.addmm(u[..., 1:], h, w.w_h.T)
        return (*gated(y + u[..., :1] * (y - previous_y), c), y)

    def initial_state(self, batch: int) -> State:
        """Return zeros."""
        h, c = self.plain.initial_state(batch)
        return (h, c, h.new_zeros(batch, 4 * self.hidden))
