"""Memories of signals that nothing else writes to: many steps at once, as they are linear.

``unroll`` of the cell is the definition. Evenly spaced steps of one Ā are products of its powers,
so a piece of many steps is a few large products, as in a block scan (Blelloch 1990, CMU-CS-90-190).
LegS has its own code.

T steps, R rows (signals), N order of the memory, K steps of a piece. A and B are those of a step.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from urnn_bench.kernels.choose import Implementation
from urnn_bench.kernels.memory_operators import Operator
from urnn_bench.kernels.time_loop import State
from urnn_bench.kernels.weights import MemoriesAlone

# a piece whose states are all wanted needs K powers of Ā, the others one alone
_PIECE, _LONG_PIECE = 16, 256


def last_coefficients(w: Operator, f: Tensor, c: Tensor) -> Tensor:
    """Return c after the last step (R, N) of signals f (T, R), from the first c (R, N)."""
    for piece, power, responses in _pieces(w, f, _LONG_PIECE):
        c = c @ power.T + piece.T @ responses.flip(0)
    return c


def all_coefficients(w: Operator, f: Tensor, c: Tensor) -> Tensor:
    """Return c after every step (T, R, N) of signals f (T, R), from the first c (R, N)."""
    powers = torch.stack(list(_powers(w.a, _PIECE)))
    found = []
    for piece, _, responses in _pieces(w, f, _PIECE):
        steps = len(piece)
        # row j has the responses j, j - 1, ..., 0, and zeros for the samples that come later
        lags = torch.arange(steps)[:, None] - torch.arange(steps)
        own = responses[lags.clamp(min=0)] * (lags >= 0).to(f)[..., None]
        states = c @ powers[:steps].mT + torch.einsum("jin,ir->jrn", own, piece)
        found.append(states)
        c = states[-1]
    return torch.cat(found)


def _powers(a: Tensor, count: int) -> Iterator[Tensor]:
    """Yield Ā, Ā², ... to Ā^count."""
    power = a
    for _ in range(count):
        yield power
        power = power @ a


def _pieces(w: Operator, f: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield each piece of f (K, R), Ā^K (N, N), and Ā^k B̄ for k < K, (K, N)."""
    responses = [w.b]
    for _ in range(min(size, len(f)) - 1):
        responses.append(w.a @ responses[-1])
    table, power = torch.stack(responses), torch.linalg.matrix_power(w.a, min(size, len(f)))
    for piece in torch.split(f, size):
        if len(piece) < size:
            power = torch.linalg.matrix_power(w.a, len(piece))
        yield piece, power, table[: len(piece)]


def _rows(x: Tensor, state: State, w: Operator) -> tuple[Tensor, Tensor]:
    """Return every input of every sequence as a signal (T, R), and its coefficients (R, N)."""
    return x.flatten(1), state[0].reshape(-1, len(w.b))


def _run(_: object, x: Tensor, state: State, w: Operator) -> tuple[Tensor, State]:
    hs = all_coefficients(w, *_rows(x, state, w)).view(*x.shape[:2], -1)
    # a copy, so that changing hs in place does not change the state
    return hs, (hs[-1].clone(),)


def _last_state(_: object, x: Tensor, state: State, w: Operator) -> State:
    return (last_coefficients(w, *_rows(x, state, w)).view(x.shape[1], -1),)


def _unavailable_for(cell: MemoriesAlone) -> str | None:
    return "every step has another matrix" if cell.memory.has_clock else None


PIECES: Implementation[MemoriesAlone, Operator] = Implementation(
    frozenset({"cpu", "cuda", "mps"}),
    _run,
    _unavailable_for,
    last_state=_last_state,
)
