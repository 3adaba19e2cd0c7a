"""DEAP: whether somebody rates a music video high or low, from EEG.

Koelstra et al. (2012), "DEAP: A Database for Emotion Analysis using Physiological Signals": 32
subjects, 40 videos each, 40 channels at 128 Hz of which the first 32 are EEG, and ratings from 1 to
9. A trial has 8,064 samples; the first three seconds, before the video, are left out. It needs a
signed licence, so it is not fetched: ``deap/s01.npz``, ``deap/s02.npz`` and so on of the data
folder are yours to make. Each has

``data`` (trials, 40, 8064): the signals of a subject
``labels`` (trials, 4): valence, arousal, dominance and liking

A rating above 5 is high. Of every five trials of a subject, or of every five subjects, the fourth
is for validation and the fifth for the test.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor

from urnn_bench.data import npz, store
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.types import Count
from urnn_bench.tasks._labelled_series import (
    ROUNDING,
    SeriesOptions,
    SeriesTask,
    Split,
    Splits,
    digest,
    require_series,
)
from urnn_bench.tasks.base import Batch

Label = Literal["valence", "arousal", "dominance", "liking"]
Channels = Literal["eeg", "all"]
SplitBy = Literal["trials", "subjects"]

_NAME, _FILES = "deap", "s[0-9]*.npz"
_SAMPLES, _BEFORE = 8064, 3 * 128
_RATINGS = ("valence", "arousal", "dominance", "liking")
_CHANNELS = {"eeg": 32, "all": 40}
_LOWEST, _MIDDLE, _HIGHEST = 1, 5, 9
# by the place of a trial or a subject in five: training, validation or test
_PLACES = (0, 0, 0, 1, 2)


class DeapOptions(SeriesOptions):
    """What is rated, what is read of a trial, and what the test holds out."""

    T: Count = Field(
        description="length of a window; a trial has 7,680 samples after its baseline",
        json_schema_extra={"unit": "steps"},
    )
    label: Label = Field("valence", description="rating that is high, above 5, or low")
    split: SplitBy = Field(
        "trials",
        description="trials: the test has other trials of the subjects of training; subjects: it "
        "has subjects who are not in training",
    )
    channels: Channels = Field("eeg", description="the 32 of EEG, or all 40")
    samples_per_step: Count = Field(4, description="samples at 128 Hz whose mean is one step")
    stride: Count | None = Field(
        None,
        description="from one window of a trial to the next; null is T, so windows do not overlap",
        json_schema_extra={"unit": "steps"},
    )

    @model_validator(mode="after")
    def _a_window_fits(self) -> "DeapOptions":
        if self.steps < self.T:
            raise ValueError(
                f"a window of T={self.T} steps does not fit a trial, which has {self.steps:,} "
                f"steps of samples_per_step={self.samples_per_step}; lower one of the two"
            )
        return self

    @property
    def steps(self) -> int:
        """How many steps a trial has."""
        return (_SAMPLES - _BEFORE) // self.samples_per_step

    @property
    def windows(self) -> int:
        """How many windows a trial has."""
        return (self.steps - self.T) // (self.stride or self.T) + 1


class Reading(NamedTuple):
    """What is read of the files, whatever T."""

    label: Label
    split: SplitBy
    channels: Channels
    samples_per_step: int


class Deap(SeriesTask):
    """Signals of a window of a trial, and its rating after the last step."""

    Options = DeapOptions
    classes = 2
    options: DeapOptions

    @property
    def channels(self) -> int:
        """Those of EEG, or all."""
        return _CHANNELS[self.options.channels]

    def load(self) -> Splits:
        """Return trials (N, L, F), with one class for each window, those of a trial in a row."""
        return _windowed(self._reading, store.folders(), self.options.windows)

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of all trials and their classes."""
        return {"trials": _digest(self._reading, store.folders())}

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) and y (B); validation and test keep their order.

        Raises DataError if a batch is larger than the training set.
        """
        rows, series = self._rows(split, index, size, seed), self._split(split)
        trial, window = rows // self.options.windows, rows % self.options.windows
        start = window * (self.options.stride or self.options.T)
        x = series.x[trial[:, None], start[:, None] + torch.arange(self.options.T)]
        return Batch(x.transpose(0, 1).contiguous(), series.classes[rows])

    @property
    def _reading(self) -> Reading:
        options = self.options
        return Reading(options.label, options.split, options.channels, options.samples_per_step)


@lru_cache(maxsize=2)
def _windowed(reading: Reading, folders: tuple[Path, ...], windows: int) -> Splits:
    parts = _read(reading, folders)
    return Splits(*(p._replace(classes=p.classes.repeat_interleave(windows)) for p in parts))


@lru_cache(maxsize=1)
def _digest(reading: Reading, folders: tuple[Path, ...]) -> str:
    return digest(_read(reading, folders))


@lru_cache(maxsize=1)
def _read(reading: Reading, folders: tuple[Path, ...]) -> Splits:
    parts: tuple[list[Split], ...] = ([], [], [])
    for number, path in enumerate(_paths(folders)):
        subject = _subject(path, reading)
        places = _trial_places(reading.split, number, len(subject.classes))
        for place, part in enumerate(parts):
            if (places == place).any():
                part.append(Split(*(tensor[places == place] for tensor in subject)))
    require_series(parts, f"{_NAME}, split={reading.split}", "bring five at least")
    return Splits(*(Split(*map(torch.cat, zip(*part, strict=True))) for part in parts))


def _paths(folders: tuple[Path, ...]) -> list[Path]:
    found = npz.first_files([folder / _NAME for folder in folders], _FILES)
    if not found:
        raise DataError(
            f"{_NAME}: s01.npz and others are not in {folders[0] / _NAME}; make them as "
            "docs/data.md says, or say by --data-dir where they lie: they are yours to bring"
        )
    return found


def _subject(path: Path, reading: Reading) -> Split:
    """Return the trials of one subject; raise DataError if the file is not right."""
    arrays = npz.read(path, ("data", "labels"))
    data = torch.from_numpy(arrays.numbers("data", ["trials", _CHANNELS["all"], _SAMPLES]))
    labels = arrays.numbers("labels", [len(data), len(_RATINGS)], _LOWEST, _HIGHEST)
    x = pooled(data[:, : _CHANNELS[reading.channels], _BEFORE:], reading.samples_per_step)
    ratings = torch.from_numpy(labels[:, _RATINGS.index(reading.label)])
    lengths = torch.full((len(x),), x.shape[1])
    return Split(normalised(x).float(), lengths, (ratings > _MIDDLE).long())


def _trial_places(split: SplitBy, subject: int, trials: int) -> Tensor:
    """Return the place of the split of every trial (N) of a subject."""
    numbers = torch.arange(trials) if split == "trials" else torch.tensor(subject).expand(trials)
    return torch.tensor(_PLACES)[numbers % len(_PLACES)]


def pooled(samples: Tensor, per_step: int) -> Tensor:
    """Return means over samples (N, F, L) in a row: (N, T, F); the last that fill none are left."""
    return torch.nn.functional.avg_pool1d(samples, per_step).transpose(1, 2)


def normalised(x: Tensor) -> Tensor:
    """Return x (N, T, F) with mean 0 and deviation 1 over T; what does not change becomes 0."""
    deviation, mean = torch.std_mean(x, 1, correction=0, keepdim=True)
    return (x - mean) / deviation.where(deviation > ROUNDING * mean.abs(), 1)
