"""One number of one run: whether it was solved, how it scored, or what a probe read.

A new quantity is a name in ``QuantityName``, a class of its own, and a line in ``_MEASUREMENTS``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from urnn_bench.records import metrics, probes
from urnn_bench.records.folder import METRICS, PROBES
from urnn_bench.records.record import Record
from urnn_bench.spec.types import Config, Count

Run = tuple[Path, Record]
QuantityName = Literal["solved", "solved_step", "test", "validation", "probe"]


class Quantity(Config):
    """One number of a run: whether or when it was solved, a score, or what a probe read.

    "test" is the score of the best weights at length ``T``, by default that of training.
    "validation" is the best score of trained weights up to update ``until``: the lowest loss, or
    for a named ``metric`` the lowest or highest as ``best`` says. "probe" is the reading at time
    ``t`` after ``update`` updates, divided by the one at time ``over`` if that is given; times
    count from 1, or from the end. Probes that read a single number, such as the memory horizon,
    ignore ``t``.
    """

    of: QuantityName
    metric: str | None = None
    over_baseline: bool = False
    best: Literal["lowest", "highest"] | None = None
    until: Count | None = None
    T: Count | None = None
    probe: str = "gradient_norm"
    state: str = "h"
    update: Annotated[int, Field(ge=0)] = 0
    t: int = -1
    over: int | None = None

    @field_validator("t", "over")
    @classmethod
    def _check_time(cls, time: int | None) -> int | None:
        if time == 0:
            raise ValueError("times count from 1, or from the end with -1")
        return time

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        self.measurement.check_keys()
        return self

    @property
    def measurement(self) -> "Measurement":
        """How this quantity is taken from a run."""
        return _MEASUREMENTS[self.of](self)


@dataclass(frozen=True)
class Observation:
    """A run as it was within its first ``updates``, or in the end if that is None."""

    folder: Path
    record: Record
    updates: int | None

    @property
    def solved_step(self) -> int | None:
        """The update that solved the task."""
        step = self.record.solved_step
        too_late = step is not None and self.updates is not None and step > self.updates
        return None if too_late else step


@dataclass(frozen=True)
class Measurement(ABC):
    """How one kind of quantity is taken from a run, and which runs have it."""

    quantity: Quantity

    # expected of every seed or of none, not within bounds
    is_yes_or_no: ClassVar[bool] = False
    # only known if ``fit.solved`` says when a run is solved
    needs_solved: ClassVar[bool] = False
    needs_probes: ClassVar[bool] = False
    # a run that went on training might have scored better
    improves_with_training: ClassVar[bool] = False
    # a longer run has lost the value of a shorter one
    covers_whole_training: ClassVar[bool] = False

    @abstractmethod
    def value(self, run: Observation) -> float:
        """Return the number of a run; nan if it has none."""

    @property
    @abstractmethod
    def missing_reason(self) -> str:
        """Why a run has no such number."""

    @property
    def updates(self) -> int | None:
        """For how many updates a run must have been trained; None if it does not matter."""
        return None

    def check_keys(self) -> None:
        """Raise ValueError if a key of the quantity is wrong for this kind."""
        for key, kind in _KINDS_OF_KEYS.items():
            if getattr(self.quantity, key) is not None and self.quantity.of != kind:
                raise ValueError(f"'{key}' goes with the quantity \"{kind}\"")


_KINDS_OF_KEYS: Mapping[str, QuantityName] = {"until": "validation", "T": "test"}


class _SolvedMeasurement(Measurement):
    needs_solved = True

    @property
    def missing_reason(self) -> str:
        return "neither model has solved the task"


class IsSolved(_SolvedMeasurement):
    """1 for a run that solved its task, else 0."""

    is_yes_or_no = True

    def value(self, run: Observation) -> float:
        """Return 1 or 0."""
        return float(run.solved_step is not None)


class SolvedStep(_SolvedMeasurement):
    """The update that solved the task; infinite if none did."""

    def value(self, run: Observation) -> float:
        """Return the number of the update, or inf."""
        return inf if run.solved_step is None else float(run.solved_step)


class _ScoreMeasurement(Measurement):
    improves_with_training = True

    @abstractmethod
    def score(self, run: Observation, metric: str) -> float:
        """Return the score in one metric; nan if the run has none."""

    def value(self, run: Observation) -> float:
        """Return the score, over that of the first baseline if the quantity says so."""
        metric = self.quantity.metric or run.record.criterion
        score = self.score(run, metric)
        if not self.quantity.over_baseline:
            return score
        baselines = run.record.baselines_at(self.quantity.T or run.record.run.T)
        baseline = next(iter(baselines.get(metric, {}).values()), None)
        return score / baseline if baseline else nan

    @property
    def missing_reason(self) -> str:
        until, length = self.quantity.until, self.quantity.T
        within = f" within {until:,} updates" if until else ""
        return f"no score on {self.quantity.of}{f' at T = {length}' if length else ''}{within}"


class FinalTestScore(_ScoreMeasurement):
    """The test score of the weights that were best on validation."""

    covers_whole_training = True

    def score(self, run: Observation, metric: str) -> float:
        """Return the recorded score at the quantity's length."""
        score = run.record.test_at(self.quantity.T or run.record.run.T).get(metric)
        return nan if score is None else score


class ValidationScore(_ScoreMeasurement):
    """The best score on validation up to an update; that of the initial weights does not count."""

    @property
    def updates(self) -> int | None:
        """The update up to which scores count."""
        return self.quantity.until

    def score(self, run: Observation, metric: str) -> float:
        """Return the lowest score, or the highest where the quantity says so."""
        last = self.quantity.until or run.updates or run.record.steps_done
        scores = [
            row.value
            for row in metrics.read(run.folder / METRICS, "validation")
            if row.metric == metric and 0 < row.step <= last
        ]
        best = {"lowest": min, "highest": max}[self.quantity.best or "lowest"]
        return best(scores, default=nan)

    def check_keys(self) -> None:
        """Raise ValueError if it is not known which score of a metric is the best."""
        super().check_keys()
        metric = self.quantity.metric
        if metric and self.quantity.best is None:
            raise ValueError(
                f"say which '{metric}' is the best one: 'best: highest' or 'best: lowest'"
            )


class ProbeReading(Measurement):
    """What a probe read after an update: a point of a curve over time, or a single number."""

    needs_probes = True

    @property
    def updates(self) -> int | None:
        """The update after which the probe read."""
        return self.quantity.update

    def value(self, run: Observation) -> float:
        """Return the reading, over the one at time ``over`` if the quantity has it."""
        quantity, rows = self.quantity, probes.read(run.folder / PROBES)
        key = (quantity.update, quantity.probe, quantity.state)
        curve = {row.t: row.value for row in rows if (row.step, row.probe, row.state) == key}
        if not curve:
            return self._single_number(run.folder)
        # the last time of all curves, as this one may have lost a line
        last = max(row.t for row in rows)
        reading = _at_time(curve, quantity.t, last)
        if quantity.over is None:
            return reading
        reference = _at_time(curve, quantity.over, last)
        return reading / reference if reference else nan

    @property
    def missing_reason(self) -> str:
        """That the probe has no reading there."""
        quantity = self.quantity
        name = f"'{quantity.probe}' of '{quantity.state}'"
        return f"no reading of {name} after {quantity.update:,} updates at that time"

    def _single_number(self, folder: Path) -> float:
        """Return what a probe without times read; one of all states has no state in its name."""
        quantity = self.quantity
        names = (f"{quantity.probe}_{quantity.state}", quantity.probe)
        readings = (
            row.value
            for row in metrics.read(folder / METRICS, metrics.PROBE)
            if row.step == quantity.update and row.metric in names
        )
        return next(readings, nan)


def _at_time(curve: Mapping[int, float], t: int, last: int) -> float:
    return curve.get(last + 1 + t if t < 0 else t, nan)


_MEASUREMENTS: Mapping[QuantityName, type[Measurement]] = {
    "solved": IsSolved,
    "solved_step": SolvedStep,
    "test": FinalTestScore,
    "validation": ValidationScore,
    "probe": ProbeReading,
}
