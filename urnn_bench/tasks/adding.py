"""Adding problem: sum the two marked numbers among T.

Hochreiter and Schmidhuber (1997), as in Arjovsky, Shah and Bengio (2016), arXiv:1511.06464,
section 5.2: each step shows a number drawn from [0, 1] and a marker; one step of each half is
marked; the answer, wanted after the last step, is the sum of the two marked numbers. For odd T
the second half is the longer one, so that every step can be marked (in the authors' code the
last one cannot). Training sequences are always fresh; the authors' code cycles through 100,000.

T steps, B batch.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import mse_loss

from urnn_bench.tasks.base import (
    NOT_NEGATIVE,
    Batch,
    PoolOptions,
    Score,
    Signature,
    SyntheticTask,
    Targets,
    Vectors,
)

_CONSTANT = 1 / 6  # variance of the sum of two independent uniform numbers
_ONE_ADDEND = 1 / 12  # variance of the addend that was not remembered


class AddingOptions(PoolOptions):
    """How long the sequence is."""

    T: int = Field(
        ge=2, lt=2**63, description="length of a sequence", json_schema_extra={"unit": "steps"}
    )


class Adding(SyntheticTask):
    """The adding problem; the loss is the squared error after the last step."""

    Options = AddingOptions
    metrics = ("mse", "mse_over_baseline")
    metric_ends = dict.fromkeys(metrics, NOT_NEGATIVE)
    options: AddingOptions

    @property
    def signature(self) -> Signature:
        """A number and a marker in at every step, one number out after the last."""
        return Signature(Vectors(2), 1, Targets.LAST_STEP)

    def sample(self, count: int, rng: torch.Generator) -> Batch:
        """Return x (T, count, 2) and y (count, 1)."""
        T, half = self.options.T, self.options.T // 2
        values = torch.rand(T, count, generator=rng, dtype=torch.float64)
        first = torch.randint(0, half, (1, count), generator=rng)
        second = torch.randint(half, T, (1, count), generator=rng)
        markers = torch.zeros_like(values).scatter_(0, torch.cat([first, second]), 1.0)
        x = torch.stack([values, markers], dim=-1)  # T B 2
        return Batch(x, (values * markers).sum(0).unsqueeze(-1))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared error."""
        return mse_loss(output, batch.y)

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the squared error and its ratio to the baseline."""
        loss, count = float(self.loss(output, batch)), len(batch.y)
        return {
            "mse": Score(loss * count, count),
            "mse_over_baseline": Score(loss / _CONSTANT * count, count),
        }

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return the error of always answering 1, and of knowing one addend only."""
        return {
            "mse": {"always 1": _CONSTANT, "one addend": _ONE_ADDEND},
            "mse_over_baseline": {"always 1": 1.0, "one addend": _ONE_ADDEND / _CONSTANT},
        }

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return 1 for every sequence."""
        return torch.ones_like(batch.y)
