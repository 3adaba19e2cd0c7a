"""The leading Lyapunov exponent: how fast neighbouring states part (+) or meet (-), in nats a step.

Benettin's method (Benettin et al. 1980, Meccanica 15): a copy of every sequence starts a small
distance away in a random direction of all memory together; after every step the logarithm of the
distance's growth is taken and the distance is reset. The distance is 1e-7 of the state's norm, or
of 1 where the norm is less, so that rounding does not hide it in a state that has grown. The
exponent is the mean over the batch and over the steps after the first tenth, in which the direction
still turns. At 0 a memory is kept. At minus infinity the copies have met: a step has shrunk their
distance to less than a billionth.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from urnn_bench.kernels.time_loop import State, unbind_steps
from urnn_bench.probes._trace import Trace, is_real_or_complex, norms
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import generator

_RELATIVE_DISTANCE = 1e-7  # about the root of float64's rounding: growth is linear, not yet noise
_SETTLING = 10  # the first tenth


class Lyapunov(Probe):
    """The exponent along the trace's own trajectories."""

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return one number () for all states together."""
        state = trace.memory_of(trace.initial)
        direction = _unit(_random_like(state))
        growth = []
        with torch.no_grad():
            drives = unbind_steps(trace.cell.drive(trace.x, trace.weights))
            steps = zip(drives, *trace.states.values(), strict=True)
            for step, (u, *next_state) in enumerate(steps):
                distance = _RELATIVE_DISTANCE * _size(state).clamp(min=1)
                offset = distance.unsqueeze(-1)
                perturbed = tuple(
                    s + offset * d if is_real_or_complex(s) else s
                    for s, d in zip(state, direction, strict=True)
                )
                full_state = trace.state_before(step, perturbed)
                next_perturbed = trace.memory_of(trace.cell.step(u, full_state, trace.weights))
                difference = tuple(p - s for p, s in zip(next_perturbed, next_state, strict=True))
                growth.append(_size(difference) / distance)
                state, direction = tuple(next_state), _unit(difference)
        settled = torch.stack(growth[len(growth) // _SETTLING :])
        return {"": settled.log().mean()}


def _random_like(state: State) -> State:
    # the same direction at every look: values of two updates differ by the weights alone
    rng = generator(0, "lyapunov")
    return tuple(_random_state(s, rng) for s in state)


def _random_state(state: Tensor, rng: torch.Generator) -> Tensor:
    """Return random numbers of the form of a state; whole numbers have no direction: zeros."""
    if not is_real_or_complex(state):
        return torch.zeros(state.shape, dtype=torch.float64)
    real = torch.view_as_real(state) if state.is_complex() else state
    drawn = torch.randn(real.shape, generator=rng, dtype=real.dtype)
    return torch.view_as_complex(drawn) if state.is_complex() else drawn


def _size(state: State) -> Tensor:
    """Return the norm over all states together: (B)."""
    size: Tensor = torch.linalg.vector_norm(torch.stack([norms(s) for s in state]), dim=0)
    return size


def _unit(state: State) -> State:
    """Return all states scaled to norm one together; zero stays zero."""
    size = _size(state).unsqueeze(-1)
    size = torch.where(size > 0, size, 1.0)
    return tuple(s / size for s in state)
