"""IRNN: a rectified recurrent network that starts from W = I.

Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units"
(2015), arXiv:1504.00941. As the baseline of Arjovsky, Shah and Bengio (2016) has it: W starts as
the identity itself, V by Glorot's rule (Le et al. draw it from a normal of deviation 0.001), and
h_0 is learned from zero.

T steps, B batch, F input features, H hidden width.
"""

import torch
from torch import Tensor, nn

from urnn_bench.cells._elman import ElmanCell, PlainWeights
from urnn_bench.kernels import bptt, vendor
from urnn_bench.kernels.native import dense
from urnn_bench.kernels.time_loop import State


class Irnn(ElmanCell):
    """The plain network with max(0, ·) and an identity to start from."""

    kernels = {"c": dense.RELU_RNN, "vendor": vendor.RELU_RNN, "bptt": bptt.RELU_RNN}

    def initial_recurrent(self) -> nn.Parameter:
        """Return the identity."""
        return nn.Parameter(torch.eye(self.hidden))

    def step(self, u: Tensor, state: State, w: PlainWeights) -> State:
        """Return max(0, W h + u)."""
        # addmm: the product and the sum in one launch, as in all cells
        return (torch.relu(torch.addmm(u, state[0], w.w_h.T)),)
