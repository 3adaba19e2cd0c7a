"""Speech frames: predict the next frame of a spectrogram, after Wisdom et al. (2016).

Wisdom, Powers, Hershey, Le Roux and Atlas, "Full-Capacity Unitary Recurrent Neural Networks",
arXiv:1611.00035, section 4.3: audio at 8 kHz, a short-time Fourier transform over 256 samples every
128, 10 log10(1e-5 + |X|²) of its 129 bins; the error is the mean square over the frames there are.

Frame t is the input and frame t + 1 the target. In the code that Nguyen et al. (2020) took over
from Lezcano-Casado the two seem to be exchanged, so that the task is to repeat the frame before;
scores from there cannot be compared with scores of this task.

T frames, B recordings, F bins.
"""

import hashlib
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.data import wav
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks.base import NOT_NEGATIVE, Batch, Score, Signature, Targets, Task, Vectors

RATE_HZ = 8000
_WINDOW, _HOP, BINS = 256, 128, 129
_FLOOR = 1e-5


class SpeechOptions(Config):
    """How much of a recording is read."""

    T: Count = Field(
        description="a longer recording is cut, a shorter one filled up and masked",
        json_schema_extra={"unit": "frames"},
    )


class Recordings(NamedTuple):
    """Log-power frames (T', F) of every recording, split by split."""

    train: Sequence[Tensor]
    validation: Sequence[Tensor]
    test: Sequence[Tensor]


def powers(samples: Tensor) -> Tensor:
    """Return |X|² of samples (N): (F, T), with a Hann window."""
    window = torch.hann_window(_WINDOW, dtype=samples.dtype)
    spectrum = torch.stft(
        samples, _WINDOW, _HOP, window=window, center=False, return_complex=True
    )  # F T
    return spectrum.abs().square()


def decibels(power: Tensor) -> Tensor:
    """Return 10 log10(1e-5 + power)."""
    return 10 * torch.log10(_FLOOR + power)


def frames(samples: Tensor) -> Tensor:
    """Return 10 log10(1e-5 + |X|²) of samples (N): (T, F), with a Hann window."""
    return decibels(powers(samples)).T


def samples_of(content: bytes, name: str) -> Tensor:
    """Return the samples (N) of a wave file, filled up with zeros to two frames."""
    samples = wav.parse(content, name, RATE_HZ)
    padded = torch.zeros(max(len(samples), _WINDOW + _HOP), dtype=torch.float64)
    padded[: len(samples)] = torch.from_numpy(samples)
    return padded


def recording(content: bytes, name: str) -> Tensor:
    """Return the frames (T, F) of a wave file; two at least, one to see and one to say."""
    return frames(samples_of(content, name))


def wave_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every recording below a folder, or in its zip files."""
    for path in sorted(folder.rglob("*")):
        if _is_recording(path) and path.is_file():
            yield str(path), path.read_bytes()
    for path in sorted(folder.glob("*.zip")):
        try:
            with ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    if _is_recording(Path(name)):
                        yield f"{path}/{name}", archive.read(name)
        # a stream that cannot be unpacked, and one that wants a password
        except (BadZipFile, zlib.error, RuntimeError) as error:
            raise DataError(f"{path}: is no whole zip file: {error}") from error


def _is_recording(path: Path) -> bool:
    """Return whether a file is called a wave file, and is not one of a Mac's beside it."""
    return path.suffix.lower() == ".wav" and not path.name.startswith("._")


class SpeechTask(Task):
    """The next frame, of recordings of many lengths."""

    metrics = ("mse_db2", "mse_over_baseline")
    metric_ends = dict.fromkeys(metrics, NOT_NEGATIVE)
    options: SpeechOptions

    @abstractmethod
    def load(self) -> Recordings:
        """Return the recordings; raise DataError if they are not there."""

    @property
    def signature(self) -> Signature:
        """A frame in and the next one out at every step."""
        return Signature(Vectors(BINS), BINS, Targets.EVERY_STEP)

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of the training recordings."""
        digest = hashlib.sha256()
        for recording_frames in self.load().train:
            digest.update(recording_frames.numpy().tobytes())
        return {"recordings": digest.hexdigest()}

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self._split(split)) / size)

    def training_examples(self) -> int:
        """Return the number of recordings that are trained on."""
        return len(self._split("train"))

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) and y (T, B, F + 1), whose last column is 1 where there is a frame.

        Raises DataError if a batch is larger than the training set.
        """
        recordings = self._split(split)
        rows: Sequence[int] = range(index * size, min((index + 1) * size, len(recordings)))
        if split == "train":
            rows = epoch_indices(len(recordings), index, size, seed).tolist()
        return _padded([recordings[row] for row in rows], self.options.T)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared error over the frames there are and their bins, in dB²."""
        target, mask = batch.y[..., :-1], batch.y[..., -1:]
        return ((output - target).square() * mask).sum() / (mask.sum() * BINS)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the squared error and its ratio to the baseline, weighed by frames."""
        loss, count = float(self.loss(output, batch)), float(batch.y[..., -1].sum())
        return {
            "mse_db2": Score(loss * count, count),
            "mse_over_baseline": Score(loss / self._targets[1] * count, count),
        }

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the mean frame of the training recordings scores on them."""
        name = "mean frame"
        return {"mse_db2": {name: self._targets[1]}, "mse_over_baseline": {name: 1.0}}

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the mean frame at every step."""
        return self._targets[0].expand(*batch.y.shape[:2], -1)

    def _split(self, split: SplitName) -> Sequence[Tensor]:
        recordings: Sequence[Tensor] = getattr(self.load(), split)
        return recordings

    @cached_property
    def _targets(self) -> tuple[Tensor, float]:
        """Mean (F) and mean variance of every frame that is a target of training."""
        targets = torch.cat([frame[1 : self.options.T + 1] for frame in self._split("train")])
        # over the mean frame of each bin, then the bins: what predicting that frame scores
        variance = float(targets.var(0, correction=0).mean())
        if not variance:
            raise DataError("every frame of the training recordings is the same; bring others")
        return targets.mean(0), variance


def _padded(recordings: Sequence[Tensor], steps: int) -> Batch:
    # the mask is the last column of y and no extra: records hold the hash of such batches
    x = torch.zeros(steps, len(recordings), BINS, dtype=torch.float64)
    y = torch.zeros(steps, len(recordings), BINS + 1, dtype=torch.float64)
    for b, spectrum in enumerate(recordings):
        count = min(steps, len(spectrum) - 1)
        x[:count, b] = spectrum[:count]
        y[:count, b, :-1] = spectrum[1 : count + 1]
        y[:count, b, -1] = 1
    return Batch(x, y)
