"""The leading Lyapunov exponent: how fast neighbouring states part (+) or meet (-), in nats a step.

Benettin's method (Benettin et al. 1980, Meccanica 15): a copy of every sequence starts a small
distance away in a random direction of all states together; after every step the logarithm of the
distance's growth is taken and the distance is reset. The distance is 1e-7 of the state's norm, or
of 1 where the norm is less, so that rounding does not hide it in a state that has grown. The
exponent is the mean over the batch and over the steps after the first tenth, in which the direction
still turns. At 0 a memory is kept. At minus infinity the copies have met: a step has shrunk their
distance to less than a billionth.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from urnn_bench.kernels.time_loop import State
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import generator

_RELATIVE_DISTANCE = 1e-7  # about the root of float64's rounding: growth is linear, not yet noise
_SETTLING = 10  # the first tenth


class Lyapunov(Probe):
    """The exponent along the trace's own trajectories."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return one number () for all states together."""
        state, direction = trace.initial, _unit(_random_like(trace.initial))
        growth = []
        with torch.no_grad():
            drives = trace.cell.drive(trace.x, trace.weights).unbind(0)
            for u, *next_state in zip(drives, *trace.states.values(), strict=True):
                distance = _RELATIVE_DISTANCE * _size(state).clamp(min=1)
                offset = distance.unsqueeze(-1)
                perturbed = tuple(s + offset * d for s, d in zip(state, direction, strict=True))
                next_perturbed = trace.cell.step(u, perturbed, trace.weights)
                difference = tuple(p - s for p, s in zip(next_perturbed, next_state, strict=True))
                growth.append(_size(difference) / distance)
                state, direction = tuple(next_state), _unit(difference)
        settled = torch.stack(growth[len(growth) // _SETTLING :])
        return {"": settled.log().mean()}


def _random_like(state: State) -> State:
    # the same direction at every look: values of two updates differ by the weights alone
    rng = generator(0, "lyapunov")
    real = [torch.view_as_real(s) if s.is_complex() else s for s in state]
    drawn = [torch.randn(r.shape, generator=rng, dtype=r.dtype) for r in real]
    pairs = zip(state, drawn, strict=True)
    return tuple(torch.view_as_complex(d) if s.is_complex() else d for s, d in pairs)


def _size(state: State) -> Tensor:
    """Return the norm over all states together: (B)."""
    norms = [torch.linalg.vector_norm(s, dim=-1) for s in state]
    size: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    return size


def _unit(state: State) -> State:
    """Return all states scaled to norm one together; zero stays zero."""
    size = _size(state).unsqueeze(-1)
    size = torch.where(size > 0, size, 1.0)
    return tuple(s / size for s in state)
