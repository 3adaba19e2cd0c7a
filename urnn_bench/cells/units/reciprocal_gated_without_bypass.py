"""The reciprocal gated cell without its bypass: the output reads the memory in place of x.

An ablation of Nayebi et al. (2018), arXiv:1807.00053, with the same convolutions and so as many
parameters as ``reciprocal_gated``, and σ the sigmoid:

    c_t = elu((1 - σ(W_cc * c_{t-1})) c_{t-1} + (1 - σ(W_hc * h_{t-1})) W_xc * x_t)
    h_t = elu((1 - σ(W_hh * h_{t-1})) h_{t-1} + (1 - σ(W_ch * c_{t-1})) c_t)

From zero states x passes through two nonlinear functions: h_1 is elu(elu(W_xc * x_1 / 2) / 2).
"""

import torch
from torch import Tensor
from torch.nn import functional

from urnn_bench.cells.units.base import convolved
from urnn_bench.cells.units.reciprocal_gated import ReciprocalGated, Weights
from urnn_bench.kernels.time_loop import State
from urnn_bench.spec.network import Path


class ReciprocalGatedWithoutBypass(ReciprocalGated):
    """Two states, an output h and a memory c."""

    def step(self, x: Tensor, state: State, w: Weights) -> State:
        """Return h of the new memory, and that."""
        h, c = state
        enters_c, keeps_h = (1 - torch.sigmoid(convolved(h, w.by_h))).chunk(2, dim=-3)
        keeps_c, enters_h = (1 - torch.sigmoid(convolved(c, w.by_c))).chunk(2, dim=-3)
        new = functional.elu(keeps_c * c + enters_c * convolved(x, w.by_x))
        return functional.elu(keeps_h * h + enters_h * new), new

    def paths(self) -> tuple[Path, ...]:
        """Return the four products of the equations, of which none has x in h."""
        of_c = tuple(path for path in super().paths() if path.source != "x" or path.target == "c")
        return (*of_c, Path(source="c", target="h", gates=("c",)))
