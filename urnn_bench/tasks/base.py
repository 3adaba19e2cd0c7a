"""What a task is: batches, a loss, scores, and what a model without memory would reach.

T steps, B batch, F input features, V vocabulary, O outputs. A task is found by the name of its
file, which holds exactly one public subclass of ``Task``. It never sees the model.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import ceil, inf
from typing import ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.data.store import DataSet
from urnn_bench.events import SplitName
from urnn_bench.random_streams import generator
from urnn_bench.renamed import TASK_HOOKS, accept_former_hooks, former_names
from urnn_bench.spec.types import SEQUENCES, Config, Count
from urnn_bench.tasks._batch import LENGTHS as LENGTHS
from urnn_bench.tasks._batch import Batch as Batch
from urnn_bench.tasks._batch import extra_axis as extra_axis
from urnn_bench.tasks._batch import is_static as is_static
from urnn_bench.tasks._batch import join
from urnn_bench.tasks._batch import masked_mean as masked_mean
from urnn_bench.tasks._batch import step_mask as step_mask
from urnn_bench.tasks._signature import Images as Images
from urnn_bench.tasks._signature import Signature as Signature
from urnn_bench.tasks._signature import Targets as Targets
from urnn_bench.tasks._signature import Tokens as Tokens
from urnn_bench.tasks._signature import Vectors as Vectors

__getattr__ = former_names(__name__)


class Score(NamedTuple):
    """A sum and the weight it was taken over, so that uneven batches average exactly."""

    total: float
    weight: float


class Task(ABC):
    """A source of batches, a loss and scores.

    Its options have an integer ``T``, the sequence length, which a benchmark sets from its lengths.
    ``metrics`` names what ``scores`` returns, with units; the first is the loss, and the lower the
    better: the best weights are chosen by it. ``metric_ends`` has the lowest and the highest score
    of those that have ends; a bound of ``solved`` beyond them is refused. ``data`` are the files
    that it reads, if it reads any. ``fixed_length_reason`` says why the test split of a trained
    network has one length alone; it is empty if there are others. A batch of ``size`` examples has
    ``size`` times ``sequences_per_example`` sequences, where several belong together.
    """

    Options: ClassVar[type[Config]]
    metrics: ClassVar[tuple[str, ...]]
    metric_ends: ClassVar[Mapping[str, tuple[float, float]]] = {}
    data: ClassVar[DataSet | None] = None
    fixed_length_reason: ClassVar[str] = ""

    options: Config

    def __init__(self, options: Config) -> None:
        self.options = options

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        accept_former_hooks(cls, TASK_HOOKS)

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """The form of inputs and outputs."""

    @property
    def sequences_per_example(self) -> int:
        """How many sequences a batch has for each of the examples that it is asked for."""
        return 1

    def identity(self) -> Mapping[str, str]:
        """Return, by name, hashes of what every sequence depends on beside its content."""
        return {}

    @abstractmethod
    def batches(self, split: SplitName, size: int) -> int | None:
        """Return how many batches of ``size`` a split has; None for a split without end."""

    @abstractmethod
    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return batch ``index`` of a split, a function of these arguments alone."""

    def compared(self, batch: Batch) -> Batch:
        """Return the part of a batch by which two runs are told to have seen the same data.

        A task whose options add inputs to the same data leaves those out.
        """
        return batch

    def training_examples(self) -> int | None:
        """Return how many sequences a pass through the training set has; None if it has no end.

        Examples that do not fill a batch are skipped in every pass.
        """
        return None

    def training_rows(self, index: int, size: int, seed: int) -> Tensor | None:  # noqa: ARG002
        """Return which training examples make up a batch (B); None if the set has no end.

        An example is the same sequence in every batch that has it.
        """
        return None

    def carries_state(self, split: SplitName, index: int, size: int) -> bool:  # noqa: ARG002
        """Return whether a batch continues the one before it; states are then carried over."""
        return False

    def evaluation_batch(self, requested: int) -> int:
        """Return the batch size of evaluations: the requested one, unless scores depend on it."""
        return requested

    def finalise_metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Return the metrics of a whole split from the means of the scores."""
        return means

    @abstractmethod
    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the scalar that training lowers, a mean over the batch."""

    @abstractmethod
    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return what is reported, by the names in ``metrics``."""

    @abstractmethod
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return, for a metric, the values of named reference predictors, the first memoryless."""

    @abstractmethod
    def baseline_output(self, batch: Batch) -> Tensor:
        """Return the output of the first baseline's predictor for a batch."""


# ends of metrics: a share of right answers, and errors and entropies
SHARE, NOT_NEGATIVE = (0.0, 1.0), (0.0, inf)


class PoolOptions(Config):
    """Options of a task whose data are drawn, not read."""

    validation_examples: Count = Field(
        500, description="the best weights are chosen on", json_schema_extra=SEQUENCES
    )
    test_examples: Count = Field(
        5000, description="the best weights see once", json_schema_extra=SEQUENCES
    )


class SyntheticTask(Task):
    """A task that draws sequences: training never ends, validation and test are fixed pools."""

    @abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return ``count`` fresh sequences."""

    def sequences_per_stream(self) -> int:
        """Return how many sequences of a pool share a random stream; another number is other data.

        A batch of any size draws only the streams that it overlaps, and sees the same sequences.
        """
        return 50

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a pool, None for training."""
        pool = self._pool(split)
        return None if pool is None else ceil(pool / size)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Draw a batch for training, or take one from a pool; a pool's last may be smaller."""
        pool = self._pool(split)
        if pool is None:
            return self.sample(size, generator(seed, "data", split, index))
        return self._from_pool(split, index * size, min((index + 1) * size, pool), seed)

    def _from_pool(self, split: SplitName, start: int, end: int, seed: int) -> Batch:
        """Return sequences ``start`` to ``end`` of a pool; they do not depend on the batch size."""
        each = self.sequences_per_stream()
        first, last = start // each, ceil(end / each)
        rngs = (generator(seed, "data", split, chunk) for chunk in range(first, last))
        chunks = [self.sample(each, rng) for rng in rngs]
        within = slice(start - first * each, end - first * each)
        return join(chunks, self.signature.targets.batch_axis, within)

    def _pool(self, split: SplitName) -> int | None:
        pools = {"validation": "validation_examples", "test": "test_examples"}
        return getattr(self.options, pools[split]) if split in pools else None
