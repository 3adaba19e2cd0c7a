"""CharacterTrajectories: which of 20 letters a pen has written, at the rate of training or another.

Williams, Toussaint and Storkey (2006): 2,858 letters by one writer, each of 60 to 182 samples in
three channels at 200 Hz. Gu et al. (2020), arXiv:2008.07669, train at one rate and test at another.
T samples of the longest trajectory are read: 182 at 200 Hz, 91 at 100 Hz.

T steps, B batch, F inputs, N series.
"""

from functools import lru_cache
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor

from urnn_bench.data.store import read_any
from urnn_bench.events import SplitName
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import Count, Fraction
from urnn_bench.tasks._labelled_series import SeriesOptions, SeriesTask, Splits
from urnn_bench.tasks._trajectories import (
    LONGEST,
    STRIDES,
    Sampling,
    sample_times,
    sampling,
    split,
)
from urnn_bench.tasks._trajectories_data import CHANNELS, CHARACTER_TRAJECTORIES, parse
from urnn_bench.tasks.base import LENGTHS, Batch, Signature, Targets, Vectors


def _of_a_stride(T: int) -> int:
    if T not in STRIDES:
        below = max(known for known in STRIDES if known < T)
        above = [known for known in STRIDES if known > T][:1]
        nearest = " or ".join(map(str, (below, *above)))
        raise ValueError(
            f"the longest trajectory has {LONGEST} samples, and T is that number over a whole "
            f"stride, rounded up; the nearest to {T} is {nearest}"
        )
    return T


Length = Annotated[Count, AfterValidator(_of_a_stride)]
# beyond them, times of float32 would be equal or overflow
Scale = Annotated[float, Field(ge=1e-3, le=1e3)]


class TrajectoriesOptions(SeriesOptions):
    """The rate, what follows the last sample, and what a model knows of time."""

    T: Length = Field(
        description="samples read of the longest trajectory: 182 at 200 Hz, 91 at 100 Hz, or 182 "
        "over another whole stride, rounded up",
        json_schema_extra={"unit": "steps"},
    )
    padding: Literal["masked", "last_value"] = Field(
        "masked",
        description="masked: the model answers after the last sample; last_value: that sample is "
        "repeated up to T and read, as in HiPPO's released code",
    )
    timestamps: bool = Field(
        False,
        description="put the time of every sample before its channels, in samples at 200 Hz",
    )
    missing: Fraction = Field(
        0.0,
        description="share of the samples of every series that is dropped, the same ones in every "
        "epoch; the command that HiPPO's authors released drops none, which is 0",
    )
    time_scale: Scale = Field(1.0, description="factor of the times in training and validation")
    test_time_scale: Scale | None = Field(
        None, description="factor of the times in the test; by default that of training"
    )

    @model_validator(mode="after")
    def _times_are_read(self) -> "TrajectoriesOptions":
        if not self.timestamps and (self.time_scale, self.test_time_scale) != (1.0, None):
            raise ValueError(
                "'time_scale' and 'test_time_scale' change times, which no model is given; set "
                "timestamps=true"
            )
        return self

    def scale_of(self, split: SplitName) -> float:
        """Return the factor of a split's times."""
        if split == "test" and self.test_time_scale is not None:
            return self.test_time_scale
        return self.time_scale


class Trajectories(SeriesTask):
    """Velocities and force of a pen, and the letter after the last."""

    Options = TrajectoriesOptions
    data = CHARACTER_TRAJECTORIES
    classes = 20
    options: TrajectoriesOptions

    def load(self) -> Splits:
        """Return the series of three splits; raise DataError if no file has them."""
        return _read()

    @property
    def signature(self) -> Signature:
        """Three channels, after the time if it is given, and a class after the last step."""
        return Signature(
            Vectors(CHANNELS + self.options.timestamps), self.classes, Targets.LAST_STEP
        )

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F), y (B), and ``lengths`` (B) if the padding is masked.

        Validation and test keep their order. Raises DataError if a batch is larger than the
        training set.
        """
        rows = self._rows(split, index, size, seed)
        series, sampled = self._split(split), self._sampling(split, rows, seed)
        x = series.x[rows[:, None], sampled.positions]
        if self.options.timestamps:
            times = self.options.scale_of(split) * sample_times(sampled, STRIDES[self.options.T])
            x = torch.cat([times.unsqueeze(-1), x], -1)
        extras = {LENGTHS: sampled.lengths} if self.options.padding == "masked" else {}
        return Batch(x.transpose(0, 1).contiguous(), series.classes[rows], extras)

    def _sampling(self, split: SplitName, rows: Tensor, seed: int) -> Sampling:
        lengths, T = self._split(split).lengths, self.options.T
        scores = _scores(seed, split, len(lengths), T)[rows]
        return sampling(lengths[rows], T, self.options.missing, scores)


@lru_cache(maxsize=16)
def _scores(seed: int, split: SplitName, count: int, T: int) -> Tensor:
    """Return the random numbers (N, T) whose order says which samples of a series are dropped."""
    return torch.rand(count, T, generator=generator(seed, "data", "missing", split))


@lru_cache(maxsize=1)
def _read() -> Splits:
    found = read_any(CHARACTER_TRAJECTORIES)
    return split(parse(found.content, found.file))
