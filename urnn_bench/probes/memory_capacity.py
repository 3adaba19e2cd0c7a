"""Linear memory capacity: how many earlier inputs a linear readout of all states can recall.

Jaeger (2001), "Short term memory in echo state networks", GMD report 152. The first input of a cell
is independent and uniform, the others are 0. For every lag k = 1, 2, ... a linear readout of the
states after u(t) gives back u(t - k). MC_k is the squared correlation of the two, and ``total`` the
sum of MC_k, the memory capacity. The input of the same step, k = 0, does not count, as in that
report. States of R real numbers have a capacity of at most R, their ``bound``.

The readout is fitted on some sequences and MC_k is taken on others. Its penalty is chosen for each
lag, and is at least what states that are known to one part in ten thousand call for.

T steps, B batch, R features of all states, K lags.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.probes._linear_recall import covariances, squared_correlations
from urnn_bench.probes._signals import padded, side_by_side, states_over_time
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import Config, Count, Positive

CAPACITY, TOTAL, BOUND = "capacity", "total", "bound"
_SAMPLES, _SAMPLES_A_FEATURE = 5000, 10
# of a drive or an input over time, 256 MB in float64
_NUMBERS = 2**25


class MemoryCapacityOptions(Config):
    """Which input, how many lags, and on how many samples."""

    lags: Count = Field(
        100,
        description="the longest lag; the length of the probed sequences if it is less",
        json_schema_extra={"unit": "steps"},
    )
    washout: Count = Field(
        100,
        description="before the first sample; the longest lag if it is more",
        json_schema_extra={"unit": "steps"},
    )
    samples: Annotated[int, Field(ge=2)] | None = Field(
        None,
        description="for the regression; by default 5,000, or ten for each feature if it is more",
    )
    test_samples: int = Field(2500, ge=2, description="to give back")
    amplitude: Positive = Field(1.0, description="largest absolute input")
    precision: float = Field(
        1e-4, ge=1e-7, lt=1, description="to which a state is known, as a fraction of its size"
    )


class MemoryCapacity(Probe):
    """MC_k over the lag k, its sum and the most that this can be."""

    Options = MemoryCapacityOptions
    options: MemoryCapacityOptions
    names = (CAPACITY, TOTAL, BOUND)

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return MC_k as a curve (T), k = 1 first, and its sum and bound as numbers ()."""
        o, T = self.options, len(trace.x)
        lags, features = min(o.lags, T), _features(trace)
        samples = o.samples or max(_SAMPLES, _SAMPLES_A_FEATURE * features)
        fit = covariances(self._samples(trace, lags, samples, "fit"))
        test = covariances(self._samples(trace, lags, o.test_samples, "test"))
        curve = squared_correlations(fit, test, o.precision)
        bound = torch.tensor(features, dtype=torch.float64)
        return {CAPACITY: padded(curve, T), TOTAL: curve.sum(), BOUND: bound}

    def _samples(
        self, trace: Trace, lags: int, samples: int, name: str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features (B, R) and earlier inputs (B, K), so many in all or a few more."""
        washout = max(self.options.washout, lags)
        # no readout serves two steps of states that depend on the number of the step
        after = 1 if _counts_steps(trace) else min(washout, samples)
        rng = generator(0, "memory capacity", name)
        shape = washout + after, -(-samples // after)
        uniform = 2 * torch.rand(shape, generator=rng, dtype=torch.float64) - 1
        at_once = max(1, _NUMBERS // (len(uniform) * max(_features(trace), trace.cell.inputs)))
        for signals in torch.split(self.options.amplitude * uniform, at_once, dim=1):
            yield from _recalls(trace, signals, washout, lags)


def _recalls(
    trace: Trace, signals: Tensor, washout: int, lags: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the features (B, R) after each step u(t) of signals (T, B), and u(t - k) (B, K)."""
    for t, memory in enumerate(states_over_time(trace, signals)):
        if t >= washout:
            yield side_by_side(memory), signals[t - lags : t].flip(0).T


def _counts_steps(trace: Trace) -> bool:
    """Return whether a step depends on its number, or on a clock beside the memory."""
    return trace.cell.time_varying or bool(trace.others)


def _features(trace: Trace) -> int:
    """Return how many real numbers the memory of one sequence is; R."""
    return side_by_side(trace.memory_of(trace.initial)).shape[1]
