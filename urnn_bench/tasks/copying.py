"""Copying memory: recall ten symbols, seen first, after T steps.

Hochreiter and Schmidhuber (1997), in the layout of Arjovsky, Shah and Bengio (2016),
arXiv:1511.06464, section 5.1: the content, T-1 blanks, one delimiter, and blanks for as long as
the content; the answer is blank until the step after the delimiter, then the content again. A
sequence has T + 2·recall steps. Tokens: 0 blank, 1 to ``symbols`` content, then the delimiter,
which is never an answer. Unlike the authors' code, which cycles through 100,000 sequences,
training sequences are always fresh.

T steps to remember over, B batch, O outputs.
"""

from collections.abc import Mapping
from math import log

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot

from urnn_bench.spec.types import Count
from urnn_bench.tasks._losses import cross_entropy
from urnn_bench.tasks.base import (
    NOT_NEGATIVE,
    SHARE,
    Batch,
    PoolOptions,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Tokens,
)


class CopyingOptions(PoolOptions):
    """Size of the memory and how long it must last."""

    T: Count = Field(
        description="between content and recall: T-1 blanks and a delimiter",
        json_schema_extra={"unit": "steps"},
    )
    symbols: int = Field(
        8, ge=2, lt=2**63, description="how many different symbols there are to remember"
    )
    recall: Count = Field(
        10, description="how many must be remembered", json_schema_extra={"unit": "symbols"}
    )


class Copying(SyntheticTask):
    """Copying memory; the loss is the cross-entropy over all T + 2·recall steps."""

    Options = CopyingOptions
    metrics = ("cross_entropy_nat", "cross_entropy_over_baseline", "recall_accuracy")
    metric_ends = dict(zip(metrics, (NOT_NEGATIVE, NOT_NEGATIVE, SHARE), strict=True))
    options: CopyingOptions

    @property
    def signature(self) -> Signature:
        """Tokens in, a token of blank or content out at every step."""
        symbols = self.options.symbols
        return Signature(Tokens(symbols + 2), symbols + 1, Targets.EVERY_STEP)

    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return x and y, both (T + 2·recall, count)."""
        o = self.options
        content = torch.randint(1, o.symbols + 1, (o.recall, count), generator=rng)
        x = content.new_zeros(o.T + 2 * o.recall, count)
        y = x.clone()
        x[: o.recall] = content
        x[o.recall + o.T - 1] = o.symbols + 1
        y[-o.recall :] = content
        return Batch(x, y)

    def step_classes(self, batch: Batch) -> Tensor:
        """Return the right token at every step (T, B)."""
        return batch.y

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats over every step and sequence."""
        return cross_entropy(output, batch.y)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the cross-entropy, its ratio to the baseline, and the accuracy of the recall."""
        loss, count = float(self.loss(output, batch)), batch.y.shape[1]
        recalled = output[-self.options.recall :].argmax(-1) == batch.y[-self.options.recall :]
        return {
            "cross_entropy_nat": Score(loss * count, count),
            "cross_entropy_over_baseline": Score(loss / self._baseline() * count, count),
            "recall_accuracy": Score(float(recalled.sum()), recalled.numel()),
        }

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return recall · ln(symbols) / (T + 2·recall), section 5.1, and what goes with it."""
        return {
            "cross_entropy_nat": {"memoryless": self._baseline()},
            "cross_entropy_over_baseline": {"memoryless": 1.0},
            "recall_accuracy": {"memoryless": 1 / self.options.symbols},
        }

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return logits that are sure of a blank, then equal for every content symbol."""
        # so large that no other token has a probability in float64, and still a float32
        sure = 1e4
        output = sure * one_hot(torch.zeros_like(batch.y), self.options.symbols + 1).double()
        output[-self.options.recall :] = 0.0
        output[-self.options.recall :, :, 0] = -sure
        return output

    def _baseline(self) -> float:
        o = self.options
        return o.recall * log(o.symbols) / (o.T + 2 * o.recall)
