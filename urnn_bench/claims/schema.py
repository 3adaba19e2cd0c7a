"""A paper as data: what it claims, where, and which runs test it; nothing here needs torch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from urnn_bench.claims.bounds import Expected as Expected
from urnn_bench.claims.bounds import Reference as Reference
from urnn_bench.claims.quantities import Quantity
from urnn_bench.claims.searches import SearchClaim
from urnn_bench.errors import UnknownNameError
from urnn_bench.proposals import Command
from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.catalogue import claims
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.load import read
from urnn_bench.spec.types import Config, Count

# whose difference is subtracted from that of two others
Pair = Annotated[tuple[str, ...], Field(strict=False, min_length=2, max_length=2)]


class Needs(Config):
    """The runs a claim is judged by: a benchmark's model at a length, seeds and updates.

    ``against`` names another model of the benchmark; its number is subtracted from the model's,
    seed by seed. ``interaction`` names two more, whose difference is subtracted from that one:
    whether a gain is greater here than elsewhere, as at another point of a grid. ``updates`` is
    how long runs are trained; a longer run is judged by its values at that update, or not at all.
    A control is a model that lacks the feature in question and shares the rest: if it meets the
    claim as well as the model does, it explains the claim.
    """

    benchmark: str
    model: str
    against: str | None = None
    interaction: Pair | None = None
    controls: Annotated[tuple[str, ...], Field(strict=False)] = ()
    T: Count
    seeds: Count = 3
    updates: Count | None = None

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        if self.against == self.model:
            raise ValueError(f"'{self.model}' cannot be set against itself")
        if self.controls and self.against is None:
            raise ValueError("'controls' go with 'against', the model that both are set against")
        if {self.model, self.against} & {*self.controls}:
            raise ValueError("a control is a third model")
        return self

    @model_validator(mode="after")
    def _check_interaction(self) -> Self:
        if self.interaction is None:
            return self
        if self.against is None:
            raise ValueError("'interaction' goes with 'against', the difference it is taken from")
        if self.interaction[0] == self.interaction[1]:
            raise ValueError(f"'{self.interaction[0]}' cannot be set against itself")
        if {*self.interaction} == {self.model, self.against}:
            raise ValueError("'interaction' has the models of 'model' and 'against'; name others")
        if self.controls:
            raise ValueError("'controls' do not go with 'interaction'; leave out one of them")
        return self

    @property
    def pairs(self) -> tuple[tuple[str, ...], ...]:
        """The models whose numbers are compared with each other, the first pair first."""
        first = (self.model,) if self.against is None else (self.model, self.against)
        return (first,) if self.interaction is None else (first, self.interaction)

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose runs are needed."""
        return tuple(dict.fromkeys(chain.from_iterable(self.pairs)))

    @property
    def number(self) -> str:
        """What is computed of every seed, such as ``a - b``."""
        first, *others = (" - ".join(pair) for pair in self.pairs)
        return f"({first}) - ({others[0]})" if others else first

    def command(self, base: Command) -> Command:
        """Return the command that makes these runs, with the folders of ``base``."""
        models = (*self.models, *self.controls)
        return _command(base, self.benchmark, models, [self.T], self.seeds)


def commands(needs: Sequence[Needs], base: Command) -> list[Command]:
    """Return commands that make the runs of several needs, one for all lengths of some models."""
    by_length: dict[tuple[str, int], list[Needs]] = {}
    for need in needs:
        by_length.setdefault((need.benchmark, need.T), []).append(need)
    lengths: dict[tuple[str, tuple[str, ...], int], list[int]] = {}
    for (benchmark, T), group in by_length.items():
        models = dict.fromkeys(m for need in group for m in (*need.models, *need.controls))
        key = benchmark, tuple(models), max(need.seeds for need in group)
        lengths.setdefault(key, []).append(T)
    return [_command(base, *key[:2], Ts, key[2]) for key, Ts in lengths.items()]


def _command(
    base: Command, benchmark: str, models: Iterable[str], lengths: Iterable[int], seeds: int
) -> Command:
    return replace(
        base.of_benchmark(benchmark),
        models=tuple(models),
        lengths=tuple(lengths),
        first_seeds=seeds,
    )


class InFloat64(Config):
    """The runs in float64 by which a claim is judged once more: their benchmark and models."""

    benchmark: str
    model: str
    against: str | None = None
    interaction: Pair | None = None
    seeds: Count = 3


class Claim(Config):
    """One sentence of a paper that runs can contradict.

    ``in_float64`` names runs that differ in precision alone; what they say stands beside the
    verdict.
    """

    figure: str
    says: str
    source: str
    reference: Reference
    needs: Needs
    quantity: Quantity
    expect: Expected
    in_float64: InFloat64 | None = None

    @model_validator(mode="after")
    def _check_precisions(self) -> Self:
        other = self.in_float64
        if other is not None and (other.against is None) != (self.needs.against is None):
            raise ValueError("'in_float64' has 'against' if 'needs' has it")
        if other is not None and (other.interaction is None) != (self.needs.interaction is None):
            raise ValueError("'in_float64' has 'interaction' if 'needs' has it")
        return self

    @model_validator(mode="after")
    def _check_expectation(self) -> Self:
        is_yes_or_no = self.quantity.measurement.is_yes_or_no
        if is_yes_or_no != (self.expect.every is not None):
            raise ValueError(
                "'every' goes with the quantity \"solved\", and bounds with the others"
            )
        if self.needs.against and is_yes_or_no:
            raise ValueError("'against' takes one number from another; \"solved\" is none")
        return self

    @model_validator(mode="after")
    def _check_updates(self) -> Self:
        """Refuse a quantity that is measured after the last update."""
        last = self.needs.updates
        measured = {"until": self.quantity.until, "update": self.quantity.update}
        for name, update in measured.items():
            if last is not None and update is not None and update > last:
                raise ValueError(f"'{name}' is {update}, after the {last} 'updates' that it needs")
        return self

    @property
    def expected(self) -> str:
        """The bound in words, and of which number it is where that takes four models."""
        bound = self.expect.text
        return f"{self.needs.number} {bound}" if self.needs.interaction else bound

    def commands(self, base: Command) -> list[Command]:
        """Return the commands that make its runs, with the folders of ``base``."""
        return [self.needs.command(base)]

    @property
    def updates(self) -> int | None:
        """For how many updates runs must be trained; None if it does not matter."""
        return self.needs.updates or self.quantity.measurement.updates


def float64_claim(claim: Claim) -> Claim | None:
    """Return the claim as it is judged by its runs in float64, if it names any."""
    if claim.in_float64 is None:
        return None
    changed = {**dict(claim.in_float64), "controls": ()}
    needs = claim.needs.model_copy(update=changed)
    return claim.model_copy(update={"needs": needs, "in_float64": None})


def _kind(claim: object) -> str:
    """Return whether a claim is on runs or on searches, by what its quantity is of."""
    if isinstance(claim, SearchClaim):
        return _OF_SEARCHES
    quantity = claim.get("quantity") if isinstance(claim, Mapping) else None
    of = quantity.get("of") if isinstance(quantity, Mapping) else None
    return _OF_SEARCHES if of == "search" else _OF_RUNS


# in brackets, so that ``spec_error`` leaves them out of the place of a fault
_OF_RUNS, _OF_SEARCHES = "[runs]", "[searches]"
AnyClaim = Annotated[
    Annotated[Claim, Tag(_OF_RUNS)] | Annotated[SearchClaim, Tag(_OF_SEARCHES)],
    Discriminator(_kind),
]


class Paper(Config):
    """A file of claims; ``quick`` names the ones that a laptop decides in minutes."""

    title: str
    paper: str
    quick: Annotated[tuple[str, ...], Field(strict=False)] = ()
    claims: Annotated[dict[str, AnyClaim], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_quick(self) -> Self:
        if unknown := [name for name in self.quick if name not in self.claims]:
            raise ValueError(f"'quick' names '{unknown[0]}', which is no claim of this file")
        return self


def check_needs(name: str, claim: Claim, benchmark: Benchmark, labels: Collection[str]) -> None:
    """Raise UnknownNameError if the claim's benchmark lacks a model or a length it needs.

    ``labels`` are the models of the benchmark's runs, with their values in its grid.
    """
    needs, length = claim.needs, claim.quantity.T
    where = f"the claim '{name}': in '{needs.benchmark}' "
    models = (*needs.models, *needs.controls)
    if unknown := [model for model in models if model not in labels]:
        raise UnknownNameError("model", unknown[0], labels, where)
    if needs.T not in benchmark.T:
        raise UnknownNameError("length", str(needs.T), map(str, benchmark.T), where)
    tested = {needs.T, *(benchmark.evaluate.T if benchmark.evaluate else ())}
    if length is not None and length not in tested:
        raise UnknownNameError("length of the test", str(length), map(str, tested), where)


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
        raise spec_error(error, Paper, document.where, is_benchmark=False) from error
