"""Filters over time: v_t = a_t v_{t-1} + u_t, for all steps of a sequence.

``sequential_scan`` is the definition. ``parallel_scan`` cuts time into pieces: within a piece the
filter is one small triangular matrix, and between pieces the same filter of their last values.
Nothing is divided by a power of a, so it is as stable as the loop for any a in [0, 1] and length.
S5 (Smith, Warrington and Linderman 2023, arXiv:2208.04933) scans pairs of steps by a tree; blocks
make fewer and larger products of it (Blelloch 1990, CMU-CS-90-190, for both).

T steps, K pieces of L steps, B batch, D channels.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

# steps of a piece; its matrix is mostly zeros above the diagonal, so longer ones waste products
_PIECE = 16


def sequential_scan(decay: Tensor, u: Tensor, before: Tensor) -> Tensor:
    """Return v (T, ...) of decays a (T), inputs u (T, ...) and v_0 (...), step by step."""
    v, states = before, []
    for a, u_t in zip(decay, u.unbind(0), strict=True):
        v = a * v + u_t
        states.append(v)
    return torch.stack(states)


def parallel_scan(decay: Tensor, u: Tensor, before: Tensor) -> Tensor:
    """Return ``sequential_scan`` by matrix products; the decays have no gradient."""
    return _scan(decay, u.flatten(1), before.flatten()).view_as(u)


def _scan(decay: Tensor, u: Tensor, before: Tensor) -> Tensor:
    """Return v (T, D) of decays (T), inputs (T, D) and v_0 (D)."""
    steps = len(u)
    if steps <= _PIECE:
        return torch.addcmul(_within(decay) @ u, decay.cumprod(0).unsqueeze(1), before)
    # what is padded comes after the last step, where nothing reads it
    pieces = pad(decay, (0, -steps % _PIECE)).view(-1, _PIECE)
    values = pad(u, (0, 0, 0, -steps % _PIECE)).view(len(pieces), _PIECE, -1)
    local = _within(pieces) @ values  # K L D
    # the last value of a piece is a filter of the last values, with the product of its decays
    ends = _scan(pieces.prod(1), local[:, -1], before)
    starts = torch.cat([before.unsqueeze(0), ends[:-1]]).unsqueeze(1)
    return torch.addcmul(local, pieces.cumprod(1).unsqueeze(-1), starts).flatten(0, 1)[:steps]


def _within(decay: Tensor) -> Tensor:
    """Return, for each piece, the matrix of the products a_{s+1} ... a_t: (K, L) to (K, L, L)."""
    # row by row, each the last one times a_t: no quotient of products, which would be 0/0 where a
    # filter restarts with a = 0
    rows = [torch.zeros_like(decay)]
    for t in range(decay.shape[-1]):
        row = decay[..., t : t + 1] * rows[-1]
        # select and not an index: of a single piece that is one number, copied from the host
        row.select(-1, t).fill_(1)
        rows.append(row)
    return torch.stack(rows[1:], dim=-2)


def restarting(x: Tensor, restart: int) -> Tensor:
    """Return Nesterov's m_k = (k - 1)/(k + 2) for the steps of x (T, ...), of its type: (T).

    k is 1 again after every ``restart`` steps; with 0 it counts on. Nguyen et al. (2020),
    arXiv:2006.06919.
    """
    k = torch.arange(len(x), dtype=x.dtype, device=x.device)
    k = (k % restart if restart else k) + 1
    return (k - 1) / (k + 2)
