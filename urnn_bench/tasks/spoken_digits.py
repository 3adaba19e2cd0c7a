"""Spoken digits: which of ten digits is said, from power in mel bands.

The recordings are those of the task ``fsdd``: Jackson et al., Free Spoken Digit Dataset, CC BY-SA
4.0. A step is a frame of 256 samples, every 128 at 8 kHz. ``split: recordings`` has the authors'
test, of speakers that are heard in training too. ``split: speakers`` holds out two of the six, the
last of the alphabet: theo for validation, yweweler for the test.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from urnn_bench.data import store
from urnn_bench.spec.types import Count
from urnn_bench.tasks._fsdd_data import INDICES, NAME, digit, index, speaker, wave_contents
from urnn_bench.tasks._labelled_series import (
    Series,
    SeriesOptions,
    SeriesTask,
    Splits,
    digest,
    require_series,
    splits_of,
)
from urnn_bench.tasks._mel import mel_filters
from urnn_bench.tasks._speech import BINS, RATE_HZ, decibels, powers, samples_of

SplitBy = Literal["recordings", "speakers"]

_HELD_OUT = ("theo", "yweweler")
# more are narrower than two bins
_MOST_BANDS = 64


class SpokenDigitsOptions(SeriesOptions):
    """How much of a recording is read, in which bands, and what the test holds out."""

    T: Count = Field(
        description="a longer recording is cut, a shorter one filled up and masked",
        json_schema_extra={"unit": "frames"},
    )
    bands: Count = Field(20, le=_MOST_BANDS, description="bands of the mel scale up to 4 kHz")
    split: SplitBy = Field(
        "recordings",
        description="recordings: the test has other recordings of the speakers of training, as the "
        "authors have it; speakers: it has a speaker who is not heard in training",
    )


class SpokenDigits(SeriesTask):
    """Power in mel bands, and the digit after the last frame."""

    Options = SpokenDigitsOptions
    classes = 10
    options: SpokenDigitsOptions

    @property
    def channels(self) -> int:
        """The bands."""
        return self.options.bands

    def load(self) -> Splits:
        """Return the recordings of three splits, every band standardised by training."""
        return _read(self.options.bands, self.options.split, store.folders())

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of all frames and digits."""
        return {"recordings": _digest(self.options.bands, self.options.split, store.folders())}


@lru_cache(maxsize=2)
def _digest(bands: int, split: SplitBy, folders: tuple[Path, ...]) -> str:
    return digest(_read(bands, split, folders))


@lru_cache(maxsize=2)
def _read(bands: int, split: SplitBy, folders: tuple[Path, ...]) -> Splits:
    parts: tuple[list[Series], ...] = ([], [], [])
    for name, content in wave_contents(folders).items():
        place = _PLACES[split](name)
        if place is not None:
            parts[place].append(_series(content, name, bands))
    require_series(parts, f"{NAME}, split={split}", "put all recordings of its authors there")
    return splits_of(parts, standardise=True)


def _series(content: bytes, name: str, bands: int) -> Series:
    power = mel_filters(bands, BINS, RATE_HZ) @ powers(samples_of(content, name))
    return Series(decibels(power).T.numpy(), digit(name))


def _by_index(name: str) -> int | None:
    """Return the place of a recording's split, None if it is in none."""
    number = index(name)
    return next((place for place, indices in enumerate(INDICES) if number in indices), None)


def _by_speaker(name: str) -> int:
    who = speaker(name)
    return 1 + _HELD_OUT.index(who) if who in _HELD_OUT else 0


_PLACES = {"recordings": _by_index, "speakers": _by_speaker}
