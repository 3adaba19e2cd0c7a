"""The section ``search`` of a benchmark: which keys of a model are varied, and for how long."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field, PlainValidator, field_validator, model_validator

from urnn_bench.spec import grid as grids
from urnn_bench.spec.notation import shown, shown_name
from urnn_bench.spec.types import UPDATES, Config, Count, Seeds, require_distinct

_STEPS = ("fit", "steps")
_WHOLE_STEPS = 1e-9


def _number(value: object) -> float:
    """Return a number as it is written: a whole one stays whole."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, not {shown(value)}")
    if not -1e300 < value < 1e300:
        raise ValueError(f"must be a finite number, not {shown(value)}")
    return value


_Number = Annotated[float, PlainValidator(_number)]
_Values = Annotated[tuple[object, ...], Field(strict=False, min_length=1)]


class Axis(Config):
    """A key of a benchmark and its values: a range, or choices.

    A range of whole numbers has whole numbers alone. ``when`` names choices of other axes: without
    them the key is left as it is.
    """

    choices: _Values | None = Field(None, description="values of any kind")
    low: _Number | None = Field(None, description="smallest value of a range")
    high: _Number | None = Field(None, description="largest value of a range")
    step: _Number | None = Field(None, description="between two values of a range")
    log: bool = Field(False, description="whether every factor is as likely as any other")
    when: dict[str, _Values] = Field({}, description="choices of axes above, by axis")

    @model_validator(mode="before")
    @classmethod
    def _read_list(cls, value: object) -> object:
        """Read ``[gru, lstm]`` as choices."""
        return {"choices": value} if isinstance(value, list | tuple) else value

    @field_validator("when", mode="before")
    @classmethod
    def _read_one(cls, value: object) -> object:
        """Read a single choice as a list of one."""
        if not isinstance(value, Mapping):
            return value
        return {k: v if isinstance(v, list | tuple) else [v] for k, v in value.items()}

    @field_validator("choices", mode="after")
    @classmethod
    def _check_choices(cls, choices: tuple[object, ...] | None) -> tuple[object, ...] | None:
        """Refuse a choice that is given twice."""
        require_distinct(choices or ())
        return choices

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        """Refuse a mixture of a range and choices, and a range without values."""
        if self.choices is None and self.low is not None and self.high is not None:
            _check_range(self.low, self.high, self.step, self.log)
            return self
        if self.choices is None:
            raise ValueError("give 'low' and 'high', or a list of choices")
        if (self.low, self.high, self.step, self.log) != (None, None, None, False):
            raise ValueError("give either 'choices' or a range with 'low' and 'high'")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; raises TypeError for choices."""
        if self.low is None or self.high is None:
            raise TypeError("choices have no ends")
        return self.low, self.high

    @property
    def is_whole(self) -> bool:
        """Whether a range has whole numbers alone."""
        return all(isinstance(n, int | None) for n in (self.low, self.high, self.step))

    @property
    def outermost(self) -> Sequence[object]:
        """Every choice, or both ends of a range."""
        return self.ends if self.choices is None else self.choices


def _check_range(low: float, high: float, step: float | None, log: bool) -> None:
    """Raise ValueError if a range has no values, or cannot be drawn from."""
    if low >= high:
        raise ValueError(f"'low' must be less than 'high', and {low:g} is not less than {high:g}")
    if log and low <= 0:
        raise ValueError(f"with 'log', 'low' must be greater than 0, not {low:g}")
    if log and step is not None:
        raise ValueError("give either 'log' or 'step'")
    if step is None:
        return
    if step <= 0:
        raise ValueError(f"'step' must be greater than 0, not {step:g}")
    count = (high - low) / step
    if abs(count - round(count)) > _WHOLE_STEPS * max(1, count):
        largest = low + int(count) * step
        raise ValueError(f"'high' is no whole number of steps above 'low'; take {largest:g}")


class Halving(Config):
    """Successive halving: of the trials that reach a rung, one in ``factor`` goes on.

    Rungs are at ``first``, ``first * factor``, ... updates. Source: Li et al. (2020),
    arXiv:1810.05934, algorithm 2.
    """

    first: Count = Field(description="of the first rung", json_schema_extra=UPDATES)
    factor: Annotated[int, Field(ge=2, le=1000)] = Field(
        3, description="from one rung to the next, and of how many trials one goes on"
    )

    def rungs(self, updates: int) -> tuple[int, ...]:
        """Return the updates of the rungs below ``updates``."""
        rungs, rung = [], self.first
        while rung < updates:
            rungs.append(rung)
            rung *= self.factor
        return tuple(rungs)


class Search(Config):
    """Which keys of one model are varied, how, and how many trials there are.

    The score of a trial is its best validation loss, a mean over ``seeds``.
    """

    model: str | None = Field(None, description="its label; the only one if not given")
    space: Annotated[dict[str, Axis], Field(min_length=1)] = Field(
        description="axes by their keys, named as those of a grid"
    )
    trials: Count = Field(60, description="in all")
    startup_trials: Count = Field(10, description="drawn at random before any is proposed")
    seeds: Seeds = Field((0,), description="of the training of every trial")
    halving: Halving | None = Field(
        None, description="{first, factor}: trials that are worse end early"
    )

    @field_validator("seeds", mode="after")
    @classmethod
    def _check_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse a seed that is given twice."""
        require_distinct(seeds)
        return seeds

    @field_validator("space", mode="after")
    @classmethod
    def _check_space(cls, space: dict[str, Axis]) -> dict[str, Axis]:
        """Refuse axes that set the same key, and conditions that never hold."""
        grids.check_axes(dict.fromkeys(space, ()))
        if steps := [axis for axis in space if grids.axis_path(axis) == _STEPS]:
            text = "the updates of every trial are 'fit.steps' of the benchmark"
            raise ValueError(f"leave out '{shown_name(steps[0])}': {text}")
        for index, (name, axis) in enumerate(space.items()):
            _check_conditions(name, axis, space, above=tuple(space)[:index])
        return space


def _check_conditions(
    name: str, axis: Axis, space: Mapping[str, Axis], above: Sequence[str]
) -> None:
    """Raise ValueError if ``when`` names no choice of an axis above."""
    for other, wanted in axis.when.items():
        start = f"'when' of '{shown_name(name)}' names '{shown_name(other)}'"
        if other not in space:
            axes = ", ".join(f"'{shown_name(key)}'" for key in above) or "none"
            raise ValueError(f"{start}, which is no axis; axes above it: {axes}")
        if other not in above:
            raise ValueError(f"{start}, which must stand above it")
        choices = space[other].choices
        if choices is None:
            raise ValueError(f"{start}, which has a range and no choices")
        if unknown := [value for value in wanted if not _is_among(value, choices)]:
            there = ", ".join(map(shown, choices))
            raise ValueError(f"{start}, which has no choice {shown(unknown[0])}; it has {there}")


def _is_among(value: object, values: Sequence[object]) -> bool:
    """Return whether a value is one of some; 1 and true are not the same."""
    return any(repr(value) == repr(other) for other in values)


def is_active(axis: Axis, values: Mapping[str, object]) -> bool:
    """Return whether all conditions of an axis hold, given the values of the axes above."""
    return all(
        other in values and _is_among(values[other], wanted) for other, wanted in axis.when.items()
    )


def outermost_points(space: Mapping[str, Axis]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield every axis with a point for each of its choices, or for both of its ends.

    The other axes have their first value there, or what the conditions of the axis need.
    """
    for name, axis in space.items():
        for value in axis.outermost:
            yield name, _point(space, {**_needed(space, name), name: value})


def fits(space: Mapping[str, Axis], values: Mapping[str, object]) -> bool:
    """Return whether values are a point of a space: a value of every active axis, of no other."""
    active = [name for name, axis in space.items() if is_active(axis, values)]
    return sorted(active) == sorted(values) and all(
        _contains(space[name], values[name]) for name in active
    )


def _contains(axis: Axis, value: object) -> bool:
    if axis.choices is not None:
        return _is_among(value, axis.choices)
    low, high = axis.ends
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high  # type: ignore[operator]


def _needed(space: Mapping[str, Axis], name: str) -> Mapping[str, object]:
    """Return values of other axes under which an axis is active."""
    needed: dict[str, object] = {}
    for other, wanted in space[name].when.items():
        needed |= {**_needed(space, other), other: wanted[0]}
    return needed


def _point(space: Mapping[str, Axis], fixed: Mapping[str, object]) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for name, axis in space.items():
        if is_active(axis, values):
            values[name] = fixed.get(name, axis.outermost[0])
    return values
