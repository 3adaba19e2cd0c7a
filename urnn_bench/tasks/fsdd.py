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
from urnn_bench.tasks._fsdd_data import INDICES, NAME, index, wave_contents
from urnn_bench.tasks._speech import Recordings, SpeechOptions, SpeechTask, recording


class Fsdd(SpeechTask):
    """The next frame of a spoken digit."""

    Options = SpeechOptions

    def load(self) -> Recordings:
        """Return the recordings by the indices in their names."""
        return _read(store.folders())


@lru_cache(maxsize=2)
def _read(folders: tuple[Path, ...]) -> Recordings:
    named = {name: recording(content, name) for name, content in wave_contents(folders).items()}
    return Recordings(*(_with(named, indices) for indices in INDICES))


def _with(named: dict[str, Tensor], indices: range) -> tuple[Tensor, ...]:
    chosen = tuple(frames for name, frames in named.items() if index(name) in indices)
    if not chosen:
        raise DataError(f"{NAME}: no recording has an index of {indices[0]} to {indices[-1]}")
    return chosen
