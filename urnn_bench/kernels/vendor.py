"""torch's own fused recurrences: cuDNN on a GPU, one C++ loop on a CPU.

T steps, B batch, F input features, H hidden width. Every function takes a cell, x (T, B, F), a
state of (B, H) tensors and the cell's weights, and returns h over time (T, B, H) and the last
state.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.time_loop import State

_DEVICES = frozenset({"cpu", "cuda"})


def _run(
    function: Callable[..., tuple[Tensor, ...]], x: Tensor, state: Any, weights: list[Tensor]
) -> tuple[Tensor, ...]:
    has_biases, layers, dropout, train, both_ways, batch_first = True, 1, 0.0, True, False, False
    return function(x, state, weights, has_biases, layers, dropout, train, both_ways, batch_first)


def _layer(state: State) -> list[Tensor]:
    # contiguous: an initial state expanded over the batch has stride 0
    return [s.unsqueeze(0).contiguous() for s in state]


def lstm(_: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    """Run an LSTM with weights (w_x (4H, F), w_h (4H, H), bias (4H)), gates i, f, g, o."""
    weights = [w.w_x, w.w_h, w.bias, torch.zeros_like(w.bias)]
    hs, h, c = _run(torch.lstm, x, _layer(state), weights)
    return hs, (h[0], c[0])


def gru(_: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
    """Run a GRU with weights (w_x (3H, F), w_h (3H, H), two biases (3H)), gates r, z, n."""
    hs, h = _run(torch.gru, x, _layer(state)[0], [w.w_x, w.w_h, w.bias_x, w.bias_h])
    return hs, (h[0],)


def _plain(function: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, State]]:
    def run(_: Any, x: Tensor, state: State, w: Any) -> tuple[Tensor, State]:
        weights = [w.w_x, w.w_h, w.bias, torch.zeros_like(w.bias)]
        hs, h = _run(function, x, _layer(state)[0], weights)
        return hs, (h[0],)

    return run


LSTM = Implementation(_DEVICES, lstm)
GRU = Implementation(_DEVICES, gru)
TANH_RNN = Implementation(_DEVICES, _plain(torch.rnn_tanh))
RELU_RNN = Implementation(_DEVICES, _plain(torch.rnn_relu))
