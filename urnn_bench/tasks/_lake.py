"""The temperature of a lake over time and depth: what all such tasks have in common.

Jia et al., arXiv:2001.11086: a network reads the weather of every day at one depth, and predicts
the temperature there. All depths of a window of days are one example, as physics ties them
together: the density must not fall with depth, and the heat of the lake must change by what comes
through its surface. Outputs are temperatures minus the mean of the process model over the training
days, over its deviation. The authors' network gives °C, to which a bias has a long way to go.

T days, W windows, D depths, B = W D sequences, N days of the series.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil, sqrt
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from urnn_bench.errors import DataError
from urnn_bench.events import SplitName
from urnn_bench.physics.profiles import Profiles
from urnn_bench.spec.types import Config, Count
from urnn_bench.tasks import _lake_inputs
from urnn_bench.tasks._batch import MASK
from urnn_bench.tasks._epochs import epoch_indices
from urnn_bench.tasks._lake_mean_year import mean_year_celsius
from urnn_bench.tasks._lake_physics import (
    Prediction,
    density_loss_kg_m3,
    energy_loss_w_m2,
    inverted,
    root_mean_square,
)
from urnn_bench.tasks._lake_profiles import profiles
from urnn_bench.tasks._lake_series import LakeSeries, require_balanced
from urnn_bench.tasks._lake_windows import Windows, evaluation_windows, training_windows
from urnn_bench.tasks.base import (
    NOT_NEGATIVE,
    SHARE,
    Batch,
    Score,
    Signature,
    Targets,
    Task,
    Vectors,
)

_SCORED, _ICE_FREE, _SIMULATED, FIRST_DAY = "scored", "ice_free", "simulated", "first_day"
# days of the windows of an evaluation, about eight years that are scored: its loss is a root, which
# is not a mean over batches, and is near 0 in one without an observation
_DAYS_AT_ONCE = 16 * 353

NotNegative = Annotated[float, Field(ge=0)]


class LakeOptions(Config):
    """How long a window is, which observations are seen, and what physics costs."""

    T: Annotated[int, Field(ge=3, le=366)] = Field(
        description="length of a window", json_schema_extra={"unit": "days"}
    )
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="of the observations for training and for validation, how many are seen"
    )
    draws: Count | None = Field(
        None,
        description="how many draws of the observations there are: seed s sees draw s mod this; by "
        "default every seed has its own",
    )
    targets: Literal["observed", "process_model"] = Field(
        "observed",
        description="what is to be predicted: observations, or the process model's output on all "
        "days and depths, to pre-train on",
    )
    process_input: bool = Field(
        False, description="also read the process model's temperature of the day and depth"
    )
    energy_weight: NotNegative = Field(
        0.0, description="of the energy imbalance above the threshold, in °C for each W/m²"
    )
    energy_threshold_w_m2: NotNegative = Field(
        24.0, description="imbalance that costs nothing, mean over the ice-free days of a window"
    )
    density_weight: NotNegative = Field(
        0.0, description="of the density inversions, in °C for each kg/m³"
    )

    @property
    def stride(self) -> int:
        """From the first day of a window to that of the next: half of it."""
        return self.T // 2


class LakeTask(Task):
    """A lake's temperature from the weather; half of every window is read before it is scored."""

    metrics = ("loss", "rmse_celsius", "energy_imbalance_w_m2", "inversions")
    metric_ends = {**dict.fromkeys(metrics[:3], NOT_NEGATIVE), "inversions": SHARE}
    options: LakeOptions

    @abstractmethod
    def load(self) -> LakeSeries:
        """Return the series of the lake, the same object for the same files and options."""

    @property
    @abstractmethod
    def splits(self) -> Mapping[SplitName, range]:
        """The days of training, validation and test, as numbers in the series."""

    @property
    def sequences_per_example(self) -> int:
        """The depths of the lake."""
        return len(self.series.lake.depths_m)

    @property
    def signature(self) -> Signature:
        """The inputs of a day at a depth, and its temperature."""
        inputs = _lake_inputs.INPUTS + self.options.process_input
        return Signature(Vectors(inputs), 1, Targets.EVERY_STEP)

    @cached_property
    def series(self) -> LakeSeries:
        """The series of the lake; raise DataError if it is shorter than its windows."""
        series, days = self.load(), len(self.splits["train"])
        if days < self.options.T:
            raise DataError(
                f"a window has {self.options.T} days, and there are {days} to train on; take a "
                "shorter T, or train on more days"
            )
        for split, of_split in self.splits.items():
            require_balanced(series.ice[of_split.start : of_split.stop], split)
        return series

    @cached_property
    def scales(self) -> _lake_inputs.Scales:
        """How inputs and outputs are scaled."""
        return _lake_inputs.scales(self.series, self.splits["train"])

    def windows(self, split: SplitName) -> Windows:
        """Return the windows of a split, in order."""
        make = training_windows if split == "train" else evaluation_windows
        return make(self.splits[split], self.options.T, self.options.stride)

    def training_examples(self) -> int:
        """Return how many windows there are to train on."""
        return len(self.windows("train").starts)

    def batches(self, split: SplitName, size: int) -> int | None:
        """Return the number of batches of a split; training never ends."""
        return None if split == "train" else ceil(len(self.windows(split).starts) / size)

    def evaluation_batch(self, requested: int) -> int:  # noqa: ARG002
        """Return one number of windows, as a root mean square depends on it."""
        return _DAYS_AT_ONCE // self.options.T

    def batch(self, split: SplitName, index: int, size: int, seed: int) -> Batch:
        """Return a batch of so many windows; validation and test keep their order.

        Raises DataError if a batch has more windows than there are to train on.
        """
        windows = self.windows(split)
        if split != "train":
            return self._batch(split, windows.at(slice(index * size, (index + 1) * size)), seed)
        if size == (count := len(windows.starts)):
            # their order is of no importance, so the batch is made once
            index = 0
        return self._of_training(epoch_indices(count, index, size, seed), seed)

    def _of_training(self, rows: Tensor, seed: int) -> Batch:
        key = (tuple(rows.tolist()), self._draw(seed))
        if self._last is None or self._last[0] != key:
            self._last = key, self._batch("train", self.windows("train").at(rows), seed)
        return self._last[1]

    _last: tuple[object, Batch] | None = None

    def _batch(self, split: SplitName, windows: Windows, seed: int) -> Batch:
        days = windows.days
        features = _lake_inputs.inputs(self.series, self.splits["train"])
        y, is_target = self._targets(split, seed)
        extras = {
            MASK: self.columns(is_target, days)[..., 0] & self._for_all_depths(windows.scored),
            _SCORED: self._for_all_depths(windows.scored),
            _ICE_FREE: self._for_all_depths(~self.series.ice[days]),
            _SIMULATED: self.columns(self.scales.output(self.series.simulated_celsius), days),
            FIRST_DAY: (windows.starts + self.series.first_day.toordinal()).repeat_interleave(
                self.sequences_per_example
            ),
        }
        x = features[days][..., : self.signature.inputs.width].flatten(1, 2)
        return Batch(x, self.columns(y, days), extras)

    def _targets(self, split: SplitName, seed: int) -> tuple[Tensor, Tensor]:
        """Return targets (N, D), 0 where there is none, and which are seen (N, D)."""
        if self.options.targets == "process_model":
            simulated = self.scales.output(self.series.simulated_celsius)
            return simulated, torch.ones_like(simulated, dtype=torch.bool)
        observed = self.scales.output(self.series.observed_celsius).nan_to_num(0.0)
        share = 1.0 if split == "test" else self.options.share
        days = self.splits[split]
        seen = _lake_inputs.seen_cells(self.series, split, days, share, self._draw(seed))
        return observed, seen

    def _draw(self, seed: int) -> int:
        return seed if self.options.draws is None else seed % self.options.draws

    def columns(self, values: Tensor, days: Tensor) -> Tensor:
        """Return values of all days and depths (N, D) in windows of days (T, W): (T, B, 1)."""
        return values[days].flatten(1, 2).unsqueeze(-1)

    def _for_all_depths(self, values: Tensor) -> Tensor:
        """Return what windows have (T, W) for each of their sequences (T, B)."""
        return values.repeat_interleave(self.sequences_per_example, dim=1)

    def compared(self, batch: Batch) -> Batch:
        """Return a batch without the process model's temperature, which not all networks read."""
        return replace(batch, x=batch.x[..., : _lake_inputs.INPUTS])

    def prediction(self, output: Tensor, batch: Batch) -> Prediction:
        """Return an output (T, B, 1) as temperatures, with what physics says of it."""
        depths = self.sequences_per_example

        def first(values: Tensor) -> Tensor:
            return values[:, ::depths]

        return Prediction(
            self.scales.celsius(output).view(len(output), -1, depths),
            self.scales.weather(first(batch.x)),
            self.series.lake,
            first(batch.extras[_SCORED]),
            first(batch.extras[_ICE_FREE]),
        )

    def profiles(self, output: Tensor, batch: Batch) -> Profiles:
        """Return the temperatures of the days that a batch scores."""
        outputs = output, self.baseline_output(batch)
        predicted, process = (self.prediction(part, batch) for part in outputs)
        first_day = batch.extras[FIRST_DAY][:: self.sequences_per_example]
        return profiles(self.series, first_day, predicted, process)

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the error in °C, and what physics costs by the options' weights."""
        o, deviation = self.options, self.scales.deviation_celsius
        loss = deviation * root_mean_square(output - batch.y, batch.extras[MASK].unsqueeze(-1))
        prediction = self.prediction(output, batch)
        if o.energy_weight:
            loss = loss + o.energy_weight * energy_loss_w_m2(prediction, o.energy_threshold_w_m2)
        if o.density_weight:
            loss = loss + o.density_weight * density_loss_kg_m3(prediction)
        return loss

    def scores(self, output: Tensor, batch: Batch) -> dict[str, Score]:
        """Return the loss, squared errors in °C, imbalances in W/m² and inverted pairs."""
        windows = batch.x.shape[1] // self.sequences_per_example
        loss = Score(windows * float(self.loss(output, batch)), windows)
        output, batch = output.double(), batch.to(batch.x.device, torch.float64)
        counts, prediction = batch.extras[MASK], self.prediction(output, batch)
        errors = self.scales.deviation_celsius * (output - batch.y).squeeze(-1)[counts]
        balanced = prediction.balanced_days()
        imbalance = prediction.imbalance_w_m2()[balanced].abs()
        pairs = int(prediction.scored.sum()) * (self.sequences_per_example - 1)
        inversions = Score(float(inverted(prediction).sum()), pairs)
        squares = Score(float(errors.square().sum()), int(counts.sum()))
        by_energy = Score(float(imbalance.sum()), int(balanced.sum()))
        return dict(zip(self.metrics, (loss, squares, by_energy, inversions), strict=True))

    def finalise_metrics(self, means: dict[str, float]) -> dict[str, float]:
        """Return the root of what is called one."""
        return {**means, "rmse_celsius": sqrt(means["rmse_celsius"])}

    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Return what the process model scores in the test, and the mean year of training."""
        mean_year = mean_year_celsius(self.series, self.splits["train"])
        predictors = {"process model": self.series.simulated_celsius, "mean year": mean_year}
        scores = {name: self._scores_of(celsius) for name, celsius in predictors.items()}
        return {m: {name: found[m] for name, found in scores.items()} for m in self.metrics}

    def _scores_of(self, celsius: Tensor) -> dict[str, float]:
        """Return the metrics of the test for temperatures of all days (N, D)."""
        windows, output = self.windows("test"), self.scales.output(celsius)
        sums: dict[str, list[Score]] = {name: [] for name in self.metrics}
        size = self.evaluation_batch(0)
        for first in range(0, len(windows.starts), size):
            part = windows.at(slice(first, first + size))
            scores = self.scores(self.columns(output, part.days), self._batch("test", part, 0))
            for name, score in scores.items():
                sums[name].append(score)
        return self.finalise_metrics({name: _mean(found) for name, found in sums.items()})

    def baseline_output(self, batch: Batch) -> Tensor:
        """Return what the process model says."""
        return batch.extras[_SIMULATED]


def _mean(scores: Sequence[Score]) -> float:
    return sum(score.total for score in scores) / sum(score.weight for score in scores)
