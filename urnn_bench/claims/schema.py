"""A paper as data: what it claims, where, and what would show it; nothing here needs torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from urnn_bench.errors import UnknownNameError
from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.catalogue import claims
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.load import read
from urnn_bench.spec.types import Config, Count


class Reference(Config):
    """What the paper shows, and how exactly it could be read off."""

    value: float | str
    error: float | None = None
    unit: str = ""

    @property
    def text(self) -> str:
        """The value with its reading error and unit."""
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        error = "" if self.error is None else f" ± {self.error:g}"
        return f"{value}{error} {self.unit}".strip()


class Needs(Config):
    """The runs a claim is judged by: a benchmark's model at a length, seeds and updates.

    With ``against``, another model of that benchmark, its number is taken from the model's, seed by
    seed. ``updates`` is how long they are trained; what was trained for longer is judged by what it
    was then, or not at all. A control is a model that lacks what the claim speaks of and shares the
    rest: a claim that it meets as well as the model does is explained by it.
    """

    benchmark: str
    model: str
    against: str | None = None
    controls: Annotated[tuple[str, ...], Field(strict=False)] = ()
    T: Count
    seeds: Count = 3
    updates: Count | None = None

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.against == self.model:
            raise ValueError(f"'{self.model}' cannot be set against itself")
        if self.controls and self.against is None:
            raise ValueError("'controls' go with 'against', the model that both are set against")
        if {self.model, self.against} & {*self.controls}:
            raise ValueError("a control is a third model")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose runs are needed."""
        return (self.model,) if self.against is None else (self.model, self.against)

    @property
    def command(self) -> str:
        """The command that makes these runs."""
        return _command(self.benchmark, (*self.models, *self.controls), [self.T], self.seeds)


def commands(needs: Sequence[Needs]) -> list[str]:
    """Return commands that make the runs of several needs, one for all lengths of some models."""
    at: dict[tuple[str, int], list[Needs]] = {}
    for each in needs:
        at.setdefault((each.benchmark, each.T), []).append(each)
    lengths: dict[tuple[str, tuple[str, ...], int], list[int]] = {}
    for (benchmark, T), of in at.items():
        models = dict.fromkeys(m for each in of for m in (*each.models, *each.controls))
        which = benchmark, tuple(models), max(each.seeds for each in of)
        lengths.setdefault(which, []).append(T)
    return [_command(name, models, of, seeds) for (name, models, seeds), of in lengths.items()]


def _command(benchmark: str, models: Iterable[str], lengths: Iterable[int], seeds: int) -> str:
    asked = [*(f"--model {model}" for model in models), *(f"--T {T}" for T in lengths)]
    return f"urnn-bench run {benchmark} {' '.join(asked)} --seeds {seeds}"


class Quantity(Config):
    """One number of a run: whether or when it was solved, a score, or what a probe read.

    "validation" is the best score of trained weights up to update ``until``: the lowest loss, or of
    a named ``metric`` what ``best`` says; "probe" the reading at time ``t`` after ``update``
    updates, divided by that at time ``over`` if given (times from 1, or from the end).
    Of a probe that reads one number there is no time to choose, as of the memory horizon.
    """

    of: Literal["solved", "solved_step", "test", "validation", "probe"]
    metric: str | None = None
    over_baseline: bool = False
    best: Literal["lowest", "highest"] | None = None
    until: Count | None = None
    probe: str = "gradient_norm"
    state: str = "h"
    update: Annotated[int, Field(ge=0)] = 0
    t: int = -1
    over: int | None = None

    @field_validator("t", "over")
    @classmethod
    def _a_time(cls, value: int | None) -> int | None:
        if value == 0:
            raise ValueError("times count from 1, or from the end with -1")
        return value

    @model_validator(mode="after")
    def _until_of_scores(self) -> Self:
        if self.until is not None and self.of != "validation":
            raise ValueError("'until' goes with the quantity \"validation\"")
        return self

    @model_validator(mode="after")
    def _best_of_a_metric(self) -> Self:
        if self.of == "validation" and self.metric and self.best is None:
            raise ValueError(
                f"say which '{self.metric}' is the best one: 'best: highest' or 'best: lowest'"
            )
        return self


class Expected(Config):
    """On which side of which bound the quantity has to be; for "solved", every or no seed."""

    below: float | None = None
    above: float | None = None
    every: bool | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.below is None and self.above is None and self.every is None:
            raise ValueError("give 'below', 'above' or both, or 'every' for \"solved\"")
        if self.below is not None and self.above is not None and self.below <= self.above:
            raise ValueError("'below' must be greater than 'above'")
        return self

    def allows(self, value: float) -> bool:
        """Return whether a number is within the bounds."""
        above = self.above is None or value > self.above
        return above and (self.below is None or value < self.below)

    @property
    def text(self) -> str:
        """The bound in words."""
        if self.every is not None:
            return "every seed" if self.every else "no seed"
        parts = {"above": self.above, "below": self.below}
        return " and ".join(
            f"{name} {value:g}" for name, value in parts.items() if value is not None
        )


class Claim(Config):
    """One sentence of a paper that runs can contradict."""

    figure: str
    says: str
    source: str
    reference: Reference
    needs: Needs
    quantity: Quantity
    expect: Expected

    @model_validator(mode="after")
    def _matching(self) -> Self:
        if (self.quantity.of == "solved") != (self.expect.every is not None):
            raise ValueError(
                "'every' goes with the quantity \"solved\", and bounds with the others"
            )
        if self.needs.against and self.quantity.of == "solved":
            raise ValueError("'against' takes one number from another; \"solved\" is none")
        return self

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        """Nothing is measured after the last update."""
        last = self.needs.updates
        at = {"until": self.quantity.until, "update": self.quantity.update}
        for name, update in at.items():
            if last is not None and update is not None and update > last:
                raise ValueError(f"'{name}' is {update}, after the {last} 'updates' that it needs")
        return self

    @property
    def updates(self) -> int | None:
        """For how many updates runs have to be trained at least, if it matters."""
        looks = {"validation": self.quantity.until, "probe": self.quantity.update}
        return self.needs.updates or looks.get(self.quantity.of)


class Paper(Config):
    """A file of claims; ``quick`` names those that a laptop decides in minutes."""

    title: str
    paper: str
    quick: Annotated[tuple[str, ...], Field(strict=False)] = ()
    claims: Annotated[dict[str, Claim], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := [name for name in self.quick if name not in self.claims]:
            raise ValueError(f"'quick' names '{unknown[0]}', which is no claim of this file")
        return self


def check_needs(name: str, needs: Needs, benchmark: Benchmark) -> None:
    """Raise UnknownNameError if a claim's benchmark has not the model or the length it needs."""
    where = f"the claim '{name}': in '{needs.benchmark}' "
    asked = (*needs.models, *needs.controls)
    if unknown := [model for model in asked if model not in benchmark.models]:
        raise UnknownNameError("model", unknown[0], benchmark.models, where)
    if needs.T not in benchmark.T:
        raise UnknownNameError("length", str(needs.T), map(str, benchmark.T), where)


def load_paper(name: str) -> Paper:
    """Read a file of claims by name or by path.

    Raises UnknownNameError with the near miss, or SpecError with file, line, path and fault.
    """
    known = claims()
    path = Path(name) if name.endswith((".yaml", ".yml")) else known.get(name)
    if path is None:
        raise UnknownNameError("paper", name, known)
    document = read(path)
    try:
        return Paper.model_validate(document.mapping)
    except ValidationError as error:
        raise spec_error(error, Paper, document.where) from error
