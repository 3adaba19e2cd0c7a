"""Whole digits of 8 × 8, shown for T steps: an input that does not change over time.

The images of ``digits``, each as one channel of 8 rows and 8 columns in every step. A step adds no
information, so what a model gains from more of them is computation.
"""

from pydantic import Field, model_validator

from urnn_bench.events import SplitName
from urnn_bench.spec.types import Count
from urnn_bench.tasks.base import Batch, Images, Signature, Targets
from urnn_bench.tasks.digits import Digits, DigitsOptions


class StaticDigitsOptions(DigitsOptions):
    """How long an image is shown; any number of steps will do."""

    T: Count = Field(
        description="for which the whole image is shown", json_schema_extra={"unit": "steps"}
    )

    @model_validator(mode="after")
    def _fits(self) -> "StaticDigitsOptions":
        self.check_validation()
        return self


class StaticDigits(Digits):
    """Small digits, whole in every step, classified after the last."""

    Options = StaticDigitsOptions
    options: StaticDigitsOptions

    @property
    def signature(self) -> Signature:
        """An image in at every step, a class out after the last."""
        return Signature(Images(1, *self.options.shape), self.classes, Targets.LAST_STEP)

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return x (T, B, F) in [0, 1], one tensor for all steps, and y (B).

        Raises DataError if a batch is larger than the training set.
        """
        images, rows = self._split(split), self._rows(split, index, size, seed)
        x = images.pixels[rows][:, self._order()].double() / self.levels
        return Batch(x.expand(self.options.T, -1, -1), images.classes[rows])
