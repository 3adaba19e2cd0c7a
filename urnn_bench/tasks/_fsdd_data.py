"""The recordings of the Free Spoken Digit Dataset, and what their names say.

They are called {digit}_{speaker}_{index}.wav.
"""

from pathlib import Path

from urnn_bench.errors import DataError
from urnn_bench.tasks._speech import wave_files

NAME = "fsdd"
# those of training, validation and test; the test is the authors'
INDICES = (range(10, 50), range(5, 10), range(5))


def wave_contents(folders: tuple[Path, ...]) -> dict[str, bytes]:
    """Return the content of every recording by its name, sorted; raise DataError without any."""
    recordings = next((files for folder in folders if (files := _files(folder / NAME))), {})
    if not recordings:
        raise DataError(
            f"{NAME}: there are no recordings in {folders[0] / NAME}; put a clone of "
            "github.com/Jakobovski/free-spoken-digit-dataset or a zip file of its "
            "recordings there, or say by --data-dir where it lies"
        )
    return dict(sorted(recordings.items()))


def _files(folder: Path) -> dict[str, bytes]:
    # by what they are called, as the same may lie there packed and unpacked
    return {Path(name).name: content for name, content in wave_files(folder)}


def index(name: str) -> int:
    """Return the number of a recording of its digit and speaker; raise DataError without one."""
    return _number(name, 2)


def digit(name: str) -> int:
    """Return the digit that is said, 0 to 9; raise DataError if the name has none."""
    found = _number(name, 0)
    if found not in range(10):
        raise DataError(f"{name}: says the digit {found}, which is not one of 0 to 9")
    return found


def speaker(name: str) -> str:
    """Return who speaks; raise DataError if the name is another one."""
    index(name)
    return Path(name).stem.split("_")[1]


def _number(name: str, place: int) -> int:
    try:
        return int(Path(name).stem.split("_")[place])
    except (IndexError, ValueError) as error:
        raise DataError(f"{name}: is not called digit_speaker_index.wav") from error
