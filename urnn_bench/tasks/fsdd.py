"""Spoken digits, frame by frame: the speech task on recordings that are free.

Jackson et al., Free Spoken Digit Dataset, CC BY-SA 4.0: 3,000 recordings of six speakers at 8 kHz.
They are read from ``fsdd/`` of the data folder, where a zip file or a clone of the repository is.
Their names, {digit}_{speaker}_{index}.wav, say the split: indices 0 to 4 are for the test, as the
authors have it, 5 to 9 for validation.
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

_NAME = "fsdd"


class Fsdd(SpeechTask):
    """The next frame of a spoken digit."""

    Options = SpeechOptions

    def load(self) -> Recordings:
        """Return the recordings by the indices in their names."""
        return _read(store.folders())


@lru_cache(maxsize=2)
def _read(folders: tuple[Path, ...]) -> Recordings:
    recordings = next((files for folder in folders if (files := _files(folder / _NAME))), {})
    if not recordings:
        raise DataError(
            f"{_NAME}: there are no recordings in {folders[0] / _NAME}; put a clone of "
            "github.com/Jakobovski/free-spoken-digit-dataset or a zip file of its "
            "recordings there, or say by --data-dir where it lies"
        )
    named = {name: recording(content, name) for name, content in sorted(recordings.items())}
    return Recordings(_with(named, 10, 50), _with(named, 5, 10), _with(named, 0, 5))


def _files(folder: Path) -> dict[str, bytes]:
    # by what they are called, as the same may lie there packed and unpacked
    return {Path(name).name: content for name, content in wave_files(folder)}


def _with(named: dict[str, Tensor], first: int, end: int) -> tuple[Tensor, ...]:
    chosen = tuple(frames for name, frames in named.items() if first <= _index(name) < end)
    if not chosen:
        raise DataError(f"{_NAME}: no recording has an index of {first} to {end - 1}")
    return chosen


def _index(name: str) -> int:
    try:
        return int(Path(name).stem.split("_")[2])
    except (IndexError, ValueError) as error:
        raise DataError(f"{name}: is not called digit_speaker_index.wav") from error
