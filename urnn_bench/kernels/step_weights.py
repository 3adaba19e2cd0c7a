"""Which weights a step in time reads beside its input and its state: its recurrent weights.

T steps, B batch, F input features.
"""

from functools import cache

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from urnn_bench.kernels.time_loop import Recurrence, State, W, unbind_steps


def step_weights(cell: Recurrence[W], x: Tensor, state: State, w: W) -> tuple[Tensor, ...]:
    """Return the tensors of ``w`` on which the states after steps of x (T, B, F) depend.

    A weight that only the drive depends on is none of them, nor is a tensor of whole numbers or of
    booleans, which has no gradient.
    """
    with torch.enable_grad():
        # a tensor that is there twice is one leaf
        w = tree_map_only(Tensor, cache(_leaf), w)
        leaves = dict.fromkeys(t for t in tree_leaves(w) if isinstance(t, Tensor))
        asked = [t for t in leaves if t.requires_grad]
        states = _states(cell, x, state, w)
    if not asked or not states:
        return ()
    ones = [torch.ones_like(s) for s in states]
    gradients = torch.autograd.grad(states, asked, ones, allow_unused=True)
    found = [t for t, gradient in zip(asked, gradients, strict=True) if gradient is not None]
    return tuple(t.detach() for t in found)


def _leaf(tensor: Tensor) -> Tensor:
    """Return a tensor as one of which gradients can be asked, if it is of such numbers."""
    alone = tensor.detach()
    return alone.requires_grad_(alone.is_floating_point() or alone.is_complex())


def _states(cell: Recurrence[W], x: Tensor, state: State, w: W) -> list[Tensor]:
    """Return the states after every step that depend on weights, other than by the drive."""
    found: list[Tensor] = []
    drive = tree_map_only(Tensor, Tensor.detach, cell.drive(x, w))
    for u in unbind_steps(drive):
        state = cell.step(u, state, w)
        found += [s for s in state if s.requires_grad]
    return found
