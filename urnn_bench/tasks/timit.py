"""TIMIT, frame by frame: the speech task on a corpus that you must have a licence for.

Garofolo et al. (1993). The corpus is not fetched: put its sentences, converted to RIFF wave files
of 8 kHz, below ``timit/train``, ``timit/validation`` and ``timit/test`` of the data folder. Which
sentences are in which split is up to you; Wisdom et al. (2016), arXiv:1611.00035, leave out the
dialect sentences SA and take the core test set for one split and 400 utterances of the development
set for the other.
"""

from functools import lru_cache
from pathlib import Path

from torch import Tensor

from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.tasks._speech import (
    Recordings,
    SpeechOptions,
    SpeechTask,
    recording,
    wave_files,
)

_NAME = "timit"


class Timit(SpeechTask):
    """The next frame of a sentence."""

    Options = SpeechOptions

    def load(self) -> Recordings:
        """Return the recordings of three folders; raise DataError if one has none."""
        return _read(store.folders())


@lru_cache(maxsize=2)
def _read(folders: tuple[Path, ...]) -> Recordings:
    return Recordings(*(_split(split, folders) for split in Recordings._fields))


def _split(split: str, folders: tuple[Path, ...]) -> tuple[Tensor, ...]:
    for folder in folders:
        files = sorted(wave_files(folder / _NAME / split))
        if files:
            return tuple(recording(content, name) for name, content in files)
    where = folders[0] / _NAME / split
    raise DataError(
        f"{_NAME}: there are no recordings in {where}; put wave files there, or say by "
        "--data-dir where they lie: they are yours to bring"
    )
