"""What of a signal's past all states together still hold, as the best linear readout gives it back.

The first input of a cell is band-limited noise, the others are 0. After a quarter, a half and all
of the steps, ridge regression finds every earlier sample of the signal in the states of many
signals (Hoerl and Kennard 1970, Technometrics 12), and gives back those of others. Its penalty is
the one with the smallest leave-one-out error, for every sample of its own, and at least what states
that are known to one part in ten thousand call for.

A reading ``r2_at_50`` is R², the share of the variance at each step that is given back after a half
of the steps; ``signal`` is one of the signals, and ``signal_at_50`` what is given back of it. What
is not known yet is nan. Neighbouring samples of such a signal are alike, so a few steps beyond a
window still have an R² above 0.

T steps, B batch, F input features, R features of all states, K steps that are given back.
"""

from collections.abc import Iterator, Mapping
from math import ceil

import torch
from pydantic import Field
from sklearn.linear_model import RidgeCV
from torch import Tensor

from urnn_bench.probes._signals import padded, side_by_side, states_over_time
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import Config, Count

# per cent of the steps
PARTS = (25, 50, 100)
SIGNAL = "signal"
# of the features' mean square; the smallest is that of noise of one part in ten thousand
_PENALTIES = tuple(10.0 ** (power / 2) for power in range(-16, 9))
_CYCLES = 10


class ReconstructionOptions(Config):
    """Which signals, and how many."""

    steps: Count = Field(
        400,
        description="length of the signals; that of the probed sequences if it is less",
        json_schema_extra={"unit": "steps"},
    )
    band_limit: float | None = Field(
        None,
        gt=0,
        le=1,
        description="highest frequency, as a fraction of half a cycle a step; if not given, that "
        "of ten cycles in a signal",
    )
    signals: Count = Field(
        192, description="for the regression", json_schema_extra={"unit": "sequences"}
    )
    test_signals: int = Field(
        64, ge=2, description="to give back", json_schema_extra={"unit": "sequences"}
    )


class Reconstruction(Probe):
    """R² by step and one signal, after three parts of the steps."""

    Options = ReconstructionOptions
    options: ReconstructionOptions
    names = (SIGNAL, *(f"{name}_at_{part}" for part in PARTS for name in (SIGNAL, "r2")))

    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return curves (T), by their own names, as they belong to all states together."""
        o, T = self.options, len(trace.x)
        steps = min(o.steps, T)
        band_limit = o.band_limit or min(1.0, 2 * _CYCLES / steps)
        signals = noise(steps, o.signals + o.test_signals, band_limit)
        found = {SIGNAL: signals[:, o.signals]}
        ends = [ceil(steps * part / 100) for part in PARTS]
        features = dict(zip(sorted({*ends}), _features(trace, signals, {*ends}), strict=True))
        for part, end in zip(PARTS, ends, strict=True):
            given_back, r2 = recovered(features[end], signals[:end].T, o.signals)
            found |= {f"{SIGNAL}_at_{part}": given_back[0], f"r2_at_{part}": r2}
        return {name: padded(curve, T) for name, curve in found.items()}


def noise(steps: int, count: int, band_limit: float) -> Tensor:
    """Return band-limited white noise (T, B) of mean square 1."""
    # half of a period: the end of a whole one says how it began
    period, rng = 2 * steps, generator(0, "reconstruction")
    spectrum = torch.fft.rfft(torch.randn(period, count, generator=rng, dtype=torch.float64), dim=0)
    spectrum[1 + max(1, int(band_limit * steps)) :] = 0
    smooth: Tensor = torch.fft.irfft(spectrum, n=period, dim=0)
    half: Tensor = smooth[:steps] / smooth.square().mean().sqrt()
    return half


def _features(trace: Trace, signals: Tensor, ends: set[int]) -> Iterator[Tensor]:
    """Yield the features (B, R) after some numbers of steps of the signals (T, B)."""
    for step, memory in enumerate(states_over_time(trace, signals), start=1):
        if step in ends:
            yield side_by_side(memory)


def recovered(features: Tensor, targets: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return test targets (B, K) found in their features, and R² (K); the first ``count`` train."""
    if not torch.isfinite(features).all():
        unknown = torch.full_like(targets[count:], torch.nan)
        return unknown, unknown[0]
    # a state that is always 0 gives back the mean
    scale = features[:count].square().mean().sqrt().clamp(min=torch.finfo(features.dtype).tiny)
    x, y = (features / scale).numpy(), targets.numpy()
    model = RidgeCV([count * penalty for penalty in _PENALTIES], alpha_per_target=True)
    found = model.fit(x[:count], y[:count]).predict(x[count:])
    test = targets[count:]
    # scikit-learn leaves out an axis of one
    given_back = torch.as_tensor(found).view_as(test)
    # the mean of the signals is known: it is 0
    return given_back, 1 - (given_back - test).square().sum(0) / test.square().sum(0)
