"""JapaneseVowels: which of nine speakers has said two vowels.

Kudo, Toyama and Shimbo (1999), "Multidimensional Curve Classification Using Passing-Through
Regions": 12 cepstral coefficients of /ae/, 7 to 29 frames. The 370 utterances for the test are the
published ones. Every fifth of a speaker's 30 training utterances is for validation: 216 and 54.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
from pydantic import Field

from urnn_bench.data import store
from urnn_bench.data.store import DataSet
from urnn_bench.tasks._labelled_series import Series, SeriesOptions, SeriesTask, Splits, splits_of

_TRAIN, _TEST = "JapaneseVowels_TRAIN.ts", "JapaneseVowels_TEST.ts"
_EVERY = 5

JAPANESE_VOWELS = DataSet(
    name="japanese_vowels",
    about="Kudo, Toyama and Shimbo: Japanese vowels of nine speakers",
    licence="CC BY 4.0 at UCI",
    mirrors=(
        "https://raw.githubusercontent.com/sktime/sktime/"
        "7bd7d1620c0656f3210eeb850bb1c0034159ee47/sktime/datasets/data/JapaneseVowels/",
    ),
    files={
        _TRAIN: "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        _TEST: "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
)


class JapaneseVowelsOptions(SeriesOptions):
    """How much is read, and in which unit."""

    standardise: bool = Field(
        True, description="give every channel mean 0 and deviation 1 over the training utterances"
    )


class JapaneseVowels(SeriesTask):
    """Twelve coefficients a frame, and the speaker after the last."""

    Options = JapaneseVowelsOptions
    data = JAPANESE_VOWELS
    classes = 9
    options: JapaneseVowelsOptions

    @property
    def channels(self) -> int:
        """Twelve coefficients."""
        return 12

    def load(self) -> Splits:
        """Return the utterances of three splits; raise DataError if a file is missing."""
        return _read(self.options.standardise, store.folders())


@lru_cache(maxsize=2)
def _read(standardise: bool, folders: tuple[Path, ...]) -> Splits:  # noqa: ARG001  names the files
    train, test = (parse(store.read(JAPANESE_VOWELS, file)[0]) for file in (_TRAIN, _TEST))
    return splits_of((*every_fifth_apart(train), test), standardise)


def parse(content: bytes) -> list[Series]:
    """Return the series of a .ts file: channels between colons, samples between commas."""
    lines = iter(content.decode().splitlines())
    next(line for line in lines if line.strip() == "@data")
    return [_series(line) for line in lines if line.strip()]


def _series(line: str) -> Series:
    *channels, label = line.split(":")
    values = np.array([[float(value) for value in one.split(",")] for one in channels])
    return Series(np.ascontiguousarray(values.T), int(label) - 1)


def every_fifth_apart(series: Iterable[Series]) -> tuple[list[Series], list[Series]]:
    """Return series without every fifth of a class, and those."""
    by_class = groupby(sorted(series, key=lambda one: one.label), lambda one: one.label)
    ranked = [pair for _, same in by_class for pair in enumerate(same, 1)]
    kept = [one for rank, one in ranked if rank % _EVERY]
    return kept, [one for rank, one in ranked if not rank % _EVERY]
