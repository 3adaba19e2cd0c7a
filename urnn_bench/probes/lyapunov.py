"""The leading Lyapunov exponent: how fast neighbouring states part (+) or meet (-), in nats a step.

Benettin's method (Benettin et al. 1980, Meccanica 15): a copy of every sequence starts a small
distance away in a random direction of all states together; after every step the logarithm of the
distance's growth is taken and the distance is put back. It is a ten-millionth of the state's norm,
or of 1 where that is less, so that it is no rounding error of a state that has grown. The mean over
the batch and over the steps after the first tenth, in which the direction still turns. 0 keeps a
memory, minus infinity means that the copies have met, which they do where a step shrinks their
distance to less than a billionth.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from urnn_bench.kernels.time_loop import State
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import generator

_APART = 1e-7
_SETTLING = 10  # one part in


class Lyapunov(Probe):
    """The exponent along the trace's own trajectories."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return one number () for all states together."""
        before, apart = trace.initial, _unit(_random_like(trace.initial))
        growth = []
        with torch.no_grad():
            drives = trace.cell.drive(trace.x, trace.weights).unbind(0)
            for u, *after in zip(drives, *trace.states.values(), strict=True):
                distance = _APART * _size(before).clamp(min=1)
                away = distance.unsqueeze(-1)
                moved = tuple(s + away * d for s, d in zip(before, apart, strict=True))
                ends = trace.cell.step(u, moved, trace.weights)
                parted = tuple(e - s for e, s in zip(ends, after, strict=True))
                growth.append(_size(parted) / distance)
                before, apart = tuple(after), _unit(parted)
        kept = torch.stack(growth[len(growth) // _SETTLING :])
        return {"": kept.log().mean()}


def _random_like(state: State) -> State:
    rng = generator(0, "lyapunov")
    real = [torch.view_as_real(s) if s.is_complex() else s for s in state]
    drawn = [torch.randn(r.shape, generator=rng, dtype=r.dtype) for r in real]
    pairs = zip(state, drawn, strict=True)
    return tuple(torch.view_as_complex(d) if s.is_complex() else d for s, d in pairs)


def _size(state: State) -> Tensor:
    """Return the norm over all states together: (B)."""
    each = [torch.linalg.vector_norm(s, dim=-1) for s in state]
    whole: Tensor = torch.linalg.vector_norm(torch.stack(each), dim=0)
    return whole


def _unit(state: State) -> State:
    """Scale to norm one; what is zero stays zero."""
    size = _size(state).unsqueeze(-1)
    size = torch.where(size > 0, size, 1.0)
    return tuple(s / size for s in state)
