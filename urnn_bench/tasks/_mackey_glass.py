"""Solutions of the Mackey-Glass equation: a rate that depends on the value a delay ago.

Mackey and Glass (1977), Science 197, equation 4b: dy/dt = β y_τ / (1 + y_τⁿ) - γ y, where y_τ is
y(t - τ); β = 0.2, γ = 0.1 and n = 10. Over one delay y_τ is known, so the equation is linear in y
with a known production: y(t + h) = e^(-γh) y(t) + ∫ e^(-γ(h - s)) production(t + s) ds. The
production is a cubic between the steps of a grid, given by values and slopes, so a step has an
error of order h⁵. The recurrence is a filter, which runs over a whole delay at a time.

P grid steps of a delay, T samples, B sequences, K values.
"""

from collections.abc import Iterator
from math import ceil, exp, factorial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BETA, _GAMMA, _POWER = 0.2, 0.1, 10
_LONGEST_STEP = 0.1
# the values that a history begins and ends with; between them is the unstable rest at 1
_LOWEST, _HIGHEST = 0.5, 1.5
# how long a solution forgets its history, and up to how much later a sequence begins
_TRANSIENT_DELAYS, _RANDOM_DELAYS = 10, 20
# sequences whose segments fit into a cache
_AT_ONCE = 50
# of a series whose terms fall at least a hundredfold
_TERMS = 12

Array = NDArray[np.float64]


class Segment(NamedTuple):
    """A solution over one delay: values and slopes at both ends and between them, (P + 1, B)."""

    y: Array
    slope: Array


def series(tau: float, interval: float, steps: int, count: int, rng: torch.Generator) -> Tensor:
    """Return ``count`` solutions on the attractor, sampled every ``interval`` (T, B), in float64.

    Each has its own straight line as history and begins 10 to 30 delays later. That is random, as
    solutions keep the phase of their oscillation for long.
    """
    drawn = torch.rand(3, count, generator=rng, dtype=torch.float64).numpy()
    begins = tau * (_TRANSIENT_DELAYS + _RANDOM_DELAYS * drawn[2])
    grid, values = ceil(tau / _LONGEST_STEP), np.empty((steps, count))
    for first in range(0, count, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        times = begins[part] + interval * np.arange(steps)[:, None]
        values[:, part] = sampled(line(drawn[:2, part], tau, grid), tau, times)
    return torch.from_numpy(values)


def line(ends: Array, tau: float, grid: int) -> Segment:
    """Return a straight line as history, between two numbers from 0 to 1 (2, B)."""
    first, last = _LOWEST + (_HIGHEST - _LOWEST) * ends
    share = np.arange(grid + 1)[:, None] / grid
    y = first + (last - first) * share
    return Segment(y, np.broadcast_to((last - first) / tau, y.shape))


def sampled(history: Segment, tau: float, times: Array) -> Array:
    """Return a solution at times (T, B) after the history."""
    grid = len(history.y) - 1
    samples, places = np.empty(times.size), times.ravel() * (grid / tau)
    order = places.argsort()
    ends = np.arange(1, 2 + int(places.max() / grid)) * grid
    # the samples of a segment are those between two cuts in the order of time
    cuts = np.searchsorted(places, ends, sorter=order)
    parts = zip(np.split(order, cuts[:-1]), segments(history, tau), strict=False)
    for number, (which, segment) in enumerate(parts):
        columns = which % times.shape[1]
        samples[which] = between(segment, tau, places[which] - number * grid, columns)
    return samples.reshape(times.shape)


def segments(history: Segment, tau: float) -> Iterator[Segment]:
    """Yield the solution from time 0, a delay at a time, without end."""
    from scipy.signal import lfilter  # takes a second to import

    step = tau / (len(history.y) - 1)
    decay, (first, last, rise, fall) = exp(-_GAMMA * step), _weights(step)
    past = history
    while True:
        made, slope = production(past)
        forcing = first * made[:-1] + last * made[1:] + rise * slope[:-1] + fall * slope[1:]
        start = past.y[-1:]
        after, _ = lfilter([1.0], [1.0, -decay], forcing, axis=0, zi=decay * start)
        y = np.concatenate([start, after])
        past = Segment(y, made - _GAMMA * y)
        yield past


def production(past: Segment) -> tuple[Array, Array]:
    """Return β y / (1 + yⁿ) and its slope in time, for the values of a delay ago."""
    square = past.y * past.y
    # yⁿ without np.power, which is slow and rounds in another way on another processor
    power = square * (square * square) ** 2
    below = 1 + power
    made = _BETA * past.y / below
    return made, _BETA * (1 + (1 - _POWER) * power) / (below * below) * past.slope


def _weights(step: float) -> tuple[float, float, float, float]:
    """Return the weights of both values and slopes of f in ∫ e^(-γ(h - s)) f(s) ds over a step.

    They are exact for a cubic: f is its Hermite interpolant.
    """
    one, linear, square, cube = (_moment(power, _GAMMA * step) for power in range(4))
    last = 3 * square - 2 * cube
    slopes = (linear - 2 * square + cube, cube - square)
    first, second = (step * step * slope for slope in slopes)
    return step * (one - last), step * last, first, second


def _moment(power: int, rate: float) -> float:
    """Return ∫ e^(-rate (1 - x)) x^power dx from 0 to 1, by its series."""
    return sum(
        (-rate) ** k * factorial(power) / factorial(power + k + 1) for k in reversed(range(_TERMS))
    )


def between(segment: Segment, tau: float, places: Array, columns: NDArray[np.int64]) -> Array:
    """Return some columns of a solution (K) at places (K) on its grid, in steps, by cubics."""
    step = tau / (len(segment.y) - 1)
    whole = places.astype(np.int64)
    x, before, after = places - whole, (whole, columns), (whole + 1, columns)
    last = x * x * (3 - 2 * x)
    rise, fall = step * x * (1 - x) ** 2, step * x * x * (x - 1)
    values: Array = (1 - last) * segment.y[before] + last * segment.y[after]
    return values + rise * segment.slope[before] + fall * segment.slope[after]
