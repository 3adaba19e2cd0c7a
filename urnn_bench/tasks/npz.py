"""Sequences of your own from an npz file of numpy: classes or numbers, of a sequence or each step.

The file has ``x`` (N, T, F) and ``y``, and perhaps ``lengths`` (N) and ``splits`` (N), which says
"train", "validation" or "test" of each sequence; or ``x_train``, ``y_train``, ``x_validation`` and
so on. Whole numbers ``y`` are classes from 0, of shape (N) or (N, T). Real ones are to be
predicted: (N) or (N, O) after the last step, (N, T) or (N, T, O) at every step.
A file is looked for in the working directory, then in the data folder.

N sequences, T steps, B batch, F channels, O outputs.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from urnn_bench.data import sequences
from urnn_bench.data.sequences import Fractions, Sequences
from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.spec.types import Fraction, Seed
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks._labelled_series import SeriesOptions, first_steps
from urnn_bench.tasks._npz_scores import SCORES, Scores
from urnn_bench.tasks.base import (
    LENGTHS,
    NOT_NEGATIVE,
    SHARE,
    Batch,
    Score,
    Signature,
    Targets,
    Task,
    Vectors,
)


class NpzOptions(SeriesOptions):
    """The file, and what is done where it says nothing."""

    file: str = Field(
        "data.npz",
        min_length=1,
        description="path from the working directory, or the name of a file in the data folder",
    )
    validation: Fraction = Field(0.15, description="share for validation, of a file without splits")
    test: Fraction = Field(0.15, description="share for the test, of a file without splits")
    split_seed: Seed = Field(0, lt=2**32, description="draws the splits of a file without any")
    standardise: bool = Field(
        True, description="give every channel mean 0 and deviation 1 over the training sequences"
    )
    sha256: str | None = Field(
        None,
        validate_default=True,
        description="hash of the file; none: that of the file as it is, so another file is another "
        "run",
    )

    @field_validator("sha256")
    @classmethod
    def _of_the_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Return the hash of the file if none is given, None if there is no file yet."""
        try:
            return value or sequences.sha256(sequences.find(info.data["file"]))
        except (DataError, KeyError, OSError):
            return None


class _Metrics:
    """The names of the scores: of the class all that a file may have, of a task its own."""

    def __get__(self, task: "Npz | None", _: type) -> tuple[str, ...]:
        if task is not None:
            return task.scoring.metrics
        return tuple(name for scores in SCORES.values() for name in scores.metrics)


class Npz(Task):
    """Sequences of a file, and the class or the numbers of each sequence or step."""

    Options = NpzOptions
    metrics = _Metrics()
    metric_ends: ClassVar[Mapping[str, tuple[float, float]]] = {
        "cross_entropy_nat": NOT_NEGATIVE,
        "accuracy": SHARE,
        "mse": NOT_NEGATIVE,
    }
    options: NpzOptions

    @property
    def scoring(self) -> Scores:
        """The loss and the scores of classes, or of numbers."""
        return SCORES[self._load("train").is_classes]

    @property
    def signature(self) -> Signature:
        """The channels of a step, and as many outputs as there are classes or numbers."""
        train = self._load("train")
        targets = Targets.EVERY_STEP if train.is_every_step else Targets.LAST_STEP
        return Signature(Vectors(train.x.shape[2]), self._outputs(), targets)

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of the file."""
        return {"file": sequences.sha256(sequences.find(self.options.file))}

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self._load(split).x) / size)

    def training_examples(self) -> int:
        """Return the number of sequences that are trained on."""
        return len(self._load("train").x)

    def training_rows(self, index: int, size: int, seed: int) -> Tensor:
        """Return which training sequences make up a batch (B)."""
        return epoch_indices(self.training_examples(), index, size, seed)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F), y, and ``lengths`` (B) if a sequence is shorter than T.

        Raises DataError if a batch is larger than the training set.
        """
        if split == "train":
            return self._of(split, self.training_rows(index, size, seed))
        count = len(self._load(split).x)
        return self._of(split, torch.arange(count)[index * size : (index + 1) * size])

    def _of(self, split: SplitName, rows: Tensor) -> Batch:
        part, T = self._load(split), self.options.T
        some = part.rows(rows.numpy())
        x = first_steps(torch.from_numpy(some.x), T).transpose(0, 1).contiguous()
        y = torch.from_numpy(some.y)
        if part.is_every_step:
            wide = y if y.ndim > 2 else y.unsqueeze(-1)
            y = first_steps(wide, T).transpose(0, 1).contiguous()
            y = y.squeeze(-1) if part.is_classes else y
        elif not part.is_classes:
            y = y.reshape(len(y), -1)
        lengths = torch.from_numpy(some.lengths).clamp(max=T)
        is_padded = bool((part.lengths < T).any())
        return Batch(x, y, {LENGTHS: lengths} if is_padded else {})

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats, or the mean squared error."""
        return self.scoring.loss(output, batch)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the loss, and the share of right classes."""
        return self.scoring.scores(output, batch)

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the class frequencies, or the mean, of training score on it."""
        batch = self._whole()
        output = self.baseline_output(batch)
        scored = self.scoring.scores(output, batch)
        return {
            metric: {self.scoring.baseline: total / weight}
            for metric, (total, weight) in scored.items()
        }

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the log class frequencies, or the mean, of training for every target."""
        constant = self.scoring.constant(self._whole(), self._outputs())
        shape = batch.y.shape if self.scoring.is_classes else batch.y.shape[:-1]
        return constant.expand(*shape, -1)

    def _outputs(self) -> int:
        train = self._load("train")
        if train.is_classes:
            return 1 + max(int(self._load(split).y.max()) for split in sequences.SPLITS)
        is_single = train.y.ndim == 1 or (train.is_every_step and train.y.ndim == 2)
        return 1 if is_single else train.y.shape[-1]

    def _whole(self) -> Batch:
        """Return the training set as one batch."""
        return self._of("train", torch.arange(self.training_examples()))

    def _load(self, split: str) -> Sequences:
        o = self.options
        path = sequences.find(o.file)
        digest = sequences.sha256(path)
        if o.sha256 not in (None, digest):
            raise DataError(
                f"{path}: is another file than the run's, as its SHA-256 is {digest}; bring that "
                "back, or leave out 'sha256'"
            )
        fractions = Fractions(o.validation, o.test, o.split_seed)
        return _read(path.absolute(), digest, fractions, o.standardise)[split]


@lru_cache(maxsize=2)
def _read(path: Path, _: str, fractions: Fractions, standardise: bool) -> dict[str, Sequences]:
    parts = sequences.read(path, fractions)
    return sequences.standardised(parts) if standardise else parts
