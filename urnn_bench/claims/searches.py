"""A claim on searches: what two samplers have found after as many trials, or at equal cost."""

from collections.abc import Iterator
from itertools import product
from typing import Literal, Self

from pydantic import model_validator

from urnn_bench import proposals
from urnn_bench.claims.bounds import Expected, Reference
from urnn_bench.proposals import Command
from urnn_bench.records.trials import RANDOM, Sampler
from urnn_bench.spec.types import Config, Count


class SearchQuantity(Config):
    """The lowest validation loss of so many trials, or of those within so many updates in all."""

    of: Literal["search"]
    trials: Count | None = None
    updates: Count | None = None

    @model_validator(mode="after")
    def _check_cost(self) -> Self:
        if (self.trials is None) == (self.updates is None):
            raise ValueError("give either 'trials' or 'updates', the cost up to which is searched")
        return self


class SearchNeeds(Config):
    """The searches a claim is judged by: those of a sampler, and of one it is set ``against``.

    The two are paired by the seed of the search. ``model`` and ``T`` are only needed if the
    benchmark has trials of several.
    """

    benchmark: str
    sampler: Sampler
    against: Sampler | None = None
    model: str | None = None
    T: Count | None = None
    seeds: Count = 3

    @model_validator(mode="after")
    def _check_samplers(self) -> Self:
        if self.against == self.sampler:
            raise ValueError(f"'{self.sampler}' cannot be set against itself")
        return self

    @property
    def samplers(self) -> tuple[Sampler, ...]:
        """The samplers whose searches are needed."""
        return (self.sampler,) if self.against is None else (self.sampler, self.against)

    @property
    def number(self) -> str:
        """What is computed of every seed."""
        return self.sampler if self.against is None else f"log({self.sampler} / {self.against})"


class SearchClaim(Config):
    """What a paper says of searches, and the bounds within which ours reproduce it.

    The number of a seed is the loss, or the natural logarithm of the ratio of two.
    """

    figure: str
    says: str
    source: str
    reference: Reference
    needs: SearchNeeds
    quantity: SearchQuantity
    expect: Expected

    @model_validator(mode="after")
    def _check_expectation(self) -> Self:
        if self.expect.every is not None:
            raise ValueError("'every' goes with the quantity \"solved\"; give 'below' or 'above'")
        return self

    @property
    def expected(self) -> str:
        """The bound in words, and of which number it is."""
        return f"{self.needs.number} {self.expect.text}"

    def commands(self, base: Command) -> list[str]:
        """Return a command for each search, with the folders of ``base``."""
        return list(self._commands(base))

    def _commands(self, base: Command) -> Iterator[str]:
        for seed, sampler in product(range(self.needs.seeds), self.needs.samplers):
            yield self.command(base, sampler, seed, self.quantity.trials)

    def command(self, base: Command, sampler: str, seed: int, trials: int | None) -> str:
        """Return the command that makes one search, or goes on with it up to ``trials`` in all."""
        needs, is_random = self.needs, sampler == RANDOM
        return proposals.search(base, needs.benchmark, trials, seed, is_random, needs.T)
