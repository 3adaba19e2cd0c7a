"""Band-limited white noise, and the squared error of what a model remembers of it.

The signal of the tasks Delay and Reconstruct in the s4 repository (Gu et al. 2022): all
frequencies up to a limit, with independent normal amplitudes. A signal that is drawn in the Fourier
domain repeats itself after its period, so that a model could predict its future from its past. The
period is therefore at least 2T, and a sequence is the first T steps of it.

T steps, B batch, P steps of a period, O outputs.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Self

import torch
from pydantic import Field, ValidationInfo, model_validator
from scipy.fft import irfft, next_fast_len
from torch import Tensor
from torch.nn.functional import pad

from urnn_bench.spec.types import Positive
from urnn_bench.tasks._batch import MASK
from urnn_bench.tasks.base import (
    NOT_NEGATIVE,
    Batch,
    PoolOptions,
    Score,
    SyntheticTask,
    masked_mean,
)

# numbers that are drawn at one time; another value would be other data
_MOST = 2**22


class WhiteNoiseOptions(PoolOptions):
    """How long, how fast and how large the signal is."""

    T: int = Field(
        ge=2, lt=2**63, description="length of a sequence", json_schema_extra={"unit": "steps"}
    )
    band_limit: float = Field(
        0.5, gt=0, le=1, description="highest frequency, as a fraction of half a cycle a step"
    )
    rms: Positive = Field(0.5, description="root mean square of the signal, in expectation")

    @model_validator(mode="after")
    def _has_a_frequency(self) -> Self:
        if self.band_limit * self.T < 1:
            raise ValueError(
                f"'band_limit' must be at least 1 / T, here {1 / self.T:.3g}, not "
                f"{self.band_limit:g}: every wave would be longer than two sequences"
            )
        return self


def quarter(value: object, info: ValidationInfo) -> object:
    """Return the value of an option, or a quarter of T if it is not given."""
    # a T that is refused is not there
    return max(1, info.data.get("T", 1) // 4) if value is None else value


def white_noise(T: int, count: int, band_limit: float, rms: float, rng: torch.Generator) -> Tensor:
    """Return ``count`` sequences of band-limited white noise (T, B), in float64."""
    period = next_fast_len(2 * T, real=True)
    noise = torch.empty(T, count, dtype=torch.float64)
    # a few at a time, as a period takes more memory than its sequence
    at_once = max(1, _MOST // period)
    for first in range(0, count, at_once):
        part = noise[:, first : first + at_once]
        part.copy_(periods(period, part.shape[1], band_limit, rms, rng)[:, :T].T)
    return noise


def periods(period: int, count: int, band_limit: float, rms: float, rng: torch.Generator) -> Tensor:
    """Return whole periods of band-limited white noise (B, P), in float64."""
    # neither the mean nor half a cycle a step, whose phase is fixed
    frequencies = max(1, min(int(band_limit * period / 2), (period - 1) // 2))
    parts = torch.randn(count, frequencies, 2, generator=rng, dtype=torch.float64)
    # a wave is 2 (a cos - b sin), whose mean square is 4 in expectation
    spectrum = pad(torch.view_as_complex(parts * (rms / sqrt(4 * frequencies))), (1, 0))
    # not torch's, whose rounding depends on the processor and the number of threads
    return torch.from_numpy(irfft(spectrum.numpy(), period, norm="forward"))


class WhiteNoiseTask(SyntheticTask):
    """A task whose targets are earlier values of the signal."""

    metrics = ("mse", "nrmse")
    metric_ends = dict.fromkeys(metrics, NOT_NEGATIVE)
    options: WhiteNoiseOptions

    def sequences_per_stream(self) -> int:
        """Return fewer for long sequences, as all of them are drawn for any one."""
        return max(1, min(super().sequences_per_stream(), _MOST // self.options.T))

    def signals(self, count: int, rng: torch.Generator) -> Tensor:
        """Return ``count`` inputs (T, B, 1)."""
        o = self.options
        return white_noise(o.T, count, o.band_limit, o.rms, rng).unsqueeze(-1)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared error over the targets that count."""
        return masked_mean((output - batch.y).square(), counted(batch))

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the squared error, alone and over the sum of the squared targets."""
        mask, y = counted(batch), batch.y.double()
        count = float(mask.sum())
        error = count * float(masked_mean((output.double() - y).square(), mask))
        power = count * float(masked_mean(y.square(), mask))
        return {"mse": Score(error, count), "nrmse": Score(error, power)}

    def finalise_metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Return the root of the error over the mean square of the targets."""
        return {**means, "nrmse": sqrt(means["nrmse"])}

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the answer 0 scores, the mean of every target."""
        return {"mse": {"zero": self.options.rms**2}, "nrmse": {"zero": 1.0}}

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return 0 for every target."""
        return torch.zeros_like(batch.y)


def counted(batch: Batch) -> Tensor:
    """Return which targets count, (T, B) or (B, O): those of the mask, without one all."""
    return batch.extras.get(MASK, torch.ones_like(batch.y, dtype=torch.bool))
