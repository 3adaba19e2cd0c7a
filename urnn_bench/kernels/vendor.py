"""torch's own fused recurrences: cuDNN on a GPU, one C++ loop on a CPU.

T steps, B batch, F input features, H hidden width. Every function takes a cell, x (T, B, F), a
state of (B, H) tensors and the cell's weights, and returns h over time (T, B, H) and the last
state.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from urnn_bench.kernels.choose import Implementation, Kernel
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import DenseWeights, GruWeights

_DEVICES = frozenset({"cpu", "cuda"})


# torch.lstm, torch.gru and their like take these after x, the state and the weights: has_biases,
# num_layers, dropout, train, bidirectional, batch_first; in training mode the backward pass exists
_OPTIONS = (True, 1, 0.0, True, False, False)


def _layer(state: State) -> list[Tensor]:
    # contiguous: an initial state expanded over the batch has stride 0, which cuDNN refuses
    return [s.unsqueeze(0).contiguous() for s in state]


def _block(*weights: Tensor) -> list[Tensor]:
    """Return weights that lie one after another in memory on a GPU, as cuDNN wants them.

    It would copy them there at every call, with a warning.
    """
    if not weights[0].is_cuda:
        return list(weights)
    # split and not narrow: the gradient of all parts is one concatenation
    block = torch.cat([w.flatten() for w in weights])
    parts = torch.split(block, [w.numel() for w in weights])
    return [part.view_as(w) for part, w in zip(parts, weights, strict=True)]


def lstm(_: object, x: Tensor, state: State, w: DenseWeights) -> tuple[Tensor, State]:
    """Run an LSTM with weights (w_x (4H, F), w_h (4H, H), bias (4H)), gates i, f, g, o."""
    # torch wants the two biases of cuDNN, which are only ever added up: zeros for the second
    weights = _block(w.w_x, w.w_h, w.bias, torch.zeros_like(w.bias))
    hs, h, c = torch.lstm(x, _layer(state), weights, *_OPTIONS)
    return hs, (h[0], c[0])


def gru(_: object, x: Tensor, state: State, w: GruWeights) -> tuple[Tensor, State]:
    """Run a GRU with weights (w_x (3H, F), w_h (3H, H), two biases (3H)), gates r, z, n."""
    hs, h = torch.gru(x, _layer(state)[0], _block(w.w_x, w.w_h, w.bias_x, w.bias_h), *_OPTIONS)
    return hs, (h[0],)


def _elman(function: Callable[..., tuple[Tensor, ...]]) -> Kernel[object, DenseWeights]:
    def run(_: object, x: Tensor, state: State, w: DenseWeights) -> tuple[Tensor, State]:
        weights = _block(w.w_x, w.w_h, w.bias, torch.zeros_like(w.bias))
        hs, h = function(x, _layer(state)[0], weights, *_OPTIONS)
        return hs, (h[0],)

    return run


LSTM = Implementation(_DEVICES, lstm)
GRU = Implementation(_DEVICES, gru)
TANH_RNN = Implementation(_DEVICES, _elman(torch.rnn_tanh))
RELU_RNN = Implementation(_DEVICES, _elman(torch.rnn_relu))
