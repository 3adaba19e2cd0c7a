"""Language modelling: predict the next token of a text that is read in parallel streams.

Mikolov et al. (2010). A text of n tokens is cut into as many streams as a batch has sequences; a
batch is T steps of all of them, the next one continues where it ended, and states are carried over:
truncated back-propagation through time. Every epoch of training starts elsewhere in the text, at a
place that the seed draws, so that streams are not always cut at the same tokens. Validation and
test are read in ten streams, whatever the batch, as the score depends on where streams begin; the
last tokens that do not fill ten, nine at most, are left out.

T steps, B streams, n tokens, V tokens in the vocabulary.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import chain
from math import exp, log
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.random_streams import generator
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks._losses import cross_entropy
from urnn_bench.tasks.base import NOT_NEGATIVE, Batch, Score, Signature, Targets, Task, Tokens
from urnn_bench.text import split_lines

Unit = Literal["characters", "words"]


class Texts(NamedTuple):
    """The three splits of a corpus."""

    train: str
    validation: str
    test: str


class Corpus(NamedTuple):
    """Tokens (n) of every split, and the vocabulary in the order of first occurrence."""

    tokens: dict[str, Tensor]
    vocabulary: tuple[str, ...]


class TextOptions(Config):
    """What a token is, and how far gradients go back."""

    T: Count = Field(
        description="truncation of back-propagation; states go on",
        json_schema_extra={"unit": "steps"},
    )
    unit: Unit = Field("characters", description="what a token is; a line ends with the word <eos>")


class TextTask(Task):
    """A corpus to predict token by token."""

    metrics = ("cross_entropy_nat", "bits_per_token")
    metric_ends = dict.fromkeys(metrics, NOT_NEGATIVE)
    fixed_length_reason = "its T truncates gradients, and the test reads the whole text at every T"
    options: TextOptions

    @abstractmethod
    def load(self) -> Texts:
        """Return the texts; raise DataError if they are not there."""

    @property
    def signature(self) -> Signature:
        """A token in and a token out at every step."""
        size = len(self._corpus().vocabulary)
        return Signature(Tokens(size), size, Targets.EVERY_STEP)

    def identity(self) -> Mapping[str, str]:
        """Return the SHA-256 of every split's tokens."""
        tokens = self._corpus().tokens
        return {f"{split} text": _digest(content) for split, content in tokens.items()}

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return how many batches a split has; training never ends."""
        return None if split == "train" else -(-self._length(split, size) // self.options.T)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x and y, both (T, B); the last batch of validation and test may be shorter.

        Raises DataError if the text is too short for so many streams.
        """
        epoch, place = 0, index
        if split == "train":
            epoch, place = divmod(index, self._per_epoch(size))
        x, y = self._streams(split, size, seed, epoch)
        steps = slice(place * self.options.T, (place + 1) * self.options.T)
        return Batch(x[steps], y[steps])

    def carries_state(self, split: SplitName, index: int, size: int) -> bool:
        """Return whether a batch is not the first of its epoch."""
        return index % self._per_epoch(size) != 0 if split == "train" else index != 0

    def evaluation_batch(self, requested: int) -> int:  # noqa: ARG002  scores would depend on it
        """Return ten, whatever is requested."""
        return _STREAMS

    def step_classes(self, batch: Batch) -> Tensor:
        """Return the next token at every step (T, B)."""
        return batch.y

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats."""
        return cross_entropy(output, batch.y)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the cross-entropy in nats and in bits."""
        loss, count = float(self.loss(output, batch)), batch.y.numel()
        return {
            "cross_entropy_nat": Score(loss * count, count),
            "bits_per_token": Score(loss / log(2) * count, count),
        }

    def finalise_metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Add the perplexity, the exponential of the mean cross-entropy."""
        nat = means["cross_entropy_nat"]
        return {**means, "perplexity": exp(nat) if nat < _LARGEST else float("inf")}

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the token frequencies of the training text score on it."""
        shares = self._shares()
        entropy = -float(torch.xlogy(shares, shares).sum())
        name = "token frequencies"
        return {"cross_entropy_nat": {name: entropy}, "bits_per_token": {name: entropy / log(2)}}

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the logarithm of the token frequencies at every step."""
        return self._shares().log().expand(*batch.y.shape, -1)

    def _corpus(self) -> Corpus:
        return _encoded(self.load(), self.options.unit)

    def _shares(self) -> Tensor:
        corpus = self._corpus()
        counts = torch.bincount(corpus.tokens["train"], minlength=len(corpus.vocabulary))
        return counts.double() / counts.sum()

    def _length(self, split: SplitName, size: int) -> int:
        """Return the tokens that a stream predicts; raise DataError if there are none."""
        tokens = len(self._corpus().tokens[split])
        if tokens <= size:
            raise DataError(
                f"the {split} text of {tokens:,} tokens is too short for {size} streams"
            )
        return (tokens - 1) // size

    def _per_epoch(self, size: int) -> int:
        return max(1, self._length("train", size) // self.options.T)

    def _streams(self, split: SplitName, size: int, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of all streams of an epoch: (n // B, B)."""
        tokens, length = self._corpus().tokens[split], self._length(split, size)
        return _cut(tokens, length, size, seed if split == "train" else None, epoch)


_LARGEST = 700.0  # whose exponential is still a number
_STREAMS = 10


@lru_cache(maxsize=4)
def _cut(
    tokens: Tensor, length: int, size: int, seed: int | None, epoch: int
) -> tuple[Tensor, Tensor]:
    if seed is not None:
        # a rotation: the end of the text is followed by its beginning, once an epoch
        rng = generator(seed, "data", "train", epoch)
        tokens = tokens.roll(-int(torch.randint(len(tokens), (), generator=rng)))
    used = length * size
    x, y = tokens[:used], tokens[1 : used + 1]
    return x.view(size, length).T, y.view(size, length).T


@lru_cache(maxsize=4)
def _encoded(texts: Texts, unit: Unit) -> Corpus:
    # a byte order mark is no part of a text, whoever has read it
    contents = {name: text.removeprefix("\ufeff") for name, text in texts._asdict().items()}
    parts = {name: _UNITS[unit](text) for name, text in contents.items()}
    vocabulary = tuple(dict.fromkeys(chain.from_iterable(parts.values())))
    number = {token: i for i, token in enumerate(vocabulary)}
    tokens = {name: torch.tensor([number[t] for t in part]) for name, part in parts.items()}
    return Corpus(tokens, vocabulary)


def _words(text: str) -> list[str]:
    return [word for line in split_lines(text) for word in (*line.split(), "<eos>")]


_UNITS: Mapping[str, Callable[[str], list[str]]] = {"characters": list, "words": _words}


def _digest(tokens: Tensor) -> str:
    return hashlib.sha256(tokens.numpy().tobytes()).hexdigest()
