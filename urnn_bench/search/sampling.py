"""What is tried next, and which trials end early, by Optuna.

The trials that are recorded are all that Optuna is told: a proposal is a function of them, of the
seed of the search and of the number of the trial. So a search that was killed goes on as if it had
not been. Source: Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization"; Li et al.
(2020), arXiv:1810.05934.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from math import inf, log10
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from urnn_bench.random_streams import stream_seed
from urnn_bench.records.trials import COMPLETE, FAILED, PRUNED, RANDOM, TPE, Trial
from urnn_bench.spec.search import Axis, Search, is_active

if TYPE_CHECKING:
    from collections.abc import Iterator

Values = Mapping[str, object]

# of a number that is proposed: fewer than a loss could tell apart
_DIGITS, _DIGITS_OF_A_STEP = 3, 10
_LARGEST_SEED = 2**32


class Study:
    """The trials of one search so far."""

    def __init__(self, search: Search, sampler: str, seed: int) -> None:
        """Begin without trials."""
        self._search, self._sampler, self._seed = search, sampler, seed
        self._study = _study(RandomSampler(0), _pruner(search))

    def add(self, trial: Trial) -> None:
        """Take a recorded trial for known."""
        live = self.begin(trial.values)
        # nothing is decided after the last update
        for rung, loss in trial.rungs[:-1] if trial.state == COMPLETE else trial.rungs:
            live.goes_on(rung, loss)
        live.end(trial)

    def propose(self, number: int) -> Values:
        """Return the values of a trial, given all before it."""
        sampler = _SAMPLERS[self._sampler](
            stream_seed(self._seed, "search", number) % _LARGEST_SEED, self._search.startup_trials
        )
        # of a study of its own: what is proposed is rounded, and only then a trial
        study = _study(sampler, optuna.pruners.NopPruner())
        with _quiet():
            study.add_trials(self._study.trials)
            return _suggest(study.ask(), self._search.space)

    def begin(self, values: Values) -> "LiveTrial":
        """Return a trial of given values that can reach rungs."""
        with _quiet():
            self._study.enqueue_trial(_parameters(self._search.space, values))
            trial = self._study.ask()
            _suggest(trial, self._search.space)
        return LiveTrial(self._study, trial)


class LiveTrial:
    """A trial that has not ended."""

    def __init__(self, study: optuna.Study, trial: optuna.Trial) -> None:
        self._study, self._trial = study, trial

    def goes_on(self, rung: int, loss: float) -> bool:
        """Note the loss at a rung; return whether the trial is trained to the next one."""
        with _quiet():
            self._trial.report(loss, rung)
            return not self._trial.should_prune()

    def end(self, trial: Trial) -> None:
        """Note how the trial has ended; one that has failed is worse than every other."""
        with _quiet():
            if trial.state == PRUNED:
                self._study.tell(self._trial, state=optuna.trial.TrialState.PRUNED)
            else:
                self._study.tell(self._trial, _VALUES[trial.state](trial))


_VALUES: Mapping[str, Callable[[Trial], float]] = {
    COMPLETE: lambda trial: inf if trial.loss is None else trial.loss,
    FAILED: lambda _: inf,
}


def _tpe(seed: int, startup_trials: int) -> BaseSampler:
    with _quiet():
        return TPESampler(seed=seed, n_startup_trials=startup_trials, multivariate=True, group=True)


def _random(seed: int, _: int) -> BaseSampler:
    return RandomSampler(seed)


_SAMPLERS: Mapping[str, Callable[[int, int], BaseSampler]] = {TPE: _tpe, RANDOM: _random}


def _pruner(search: Search) -> optuna.pruners.BasePruner:
    if search.halving is None:
        return optuna.pruners.NopPruner()
    return optuna.pruners.SuccessiveHalvingPruner(
        min_resource=search.halving.first, reduction_factor=search.halving.factor
    )


def _study(sampler: BaseSampler, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    with _quiet():
        return optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)


@contextmanager
def _quiet() -> "Iterator[None]":
    """Keep what Optuna logs, and its notes on experimental features, off the terminal."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _suggest(trial: optuna.Trial, space: Mapping[str, Axis]) -> Values:
    """Return a value of every active axis, in the order of the space."""
    values: dict[str, object] = {}
    for name, axis in space.items():
        if is_active(axis, values):
            values[name] = _value(axis, _suggested(trial, name, axis))
    return values


def _suggested(trial: optuna.Trial, name: str, axis: Axis) -> float:
    """Return a number of a range, or the place of a choice."""
    kind = _distribution(axis)
    if isinstance(kind, IntDistribution):
        return trial.suggest_int(name, kind.low, kind.high, step=kind.step, log=kind.log)
    if isinstance(kind, FloatDistribution):
        return trial.suggest_float(name, kind.low, kind.high, step=kind.step, log=kind.log)
    return int(trial.suggest_categorical(name, range(len(axis.choices or ()))))


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.choices is not None:
        return CategoricalDistribution(range(len(axis.choices)))
    low, high = axis.ends
    if axis.is_whole:
        return IntDistribution(int(low), int(high), axis.log, int(axis.step or 1))
    return FloatDistribution(float(low), float(high), axis.log, axis.step)


def _value(axis: Axis, suggested: float) -> object:
    """Return the value that a benchmark is given."""
    if axis.choices is not None:
        return axis.choices[int(suggested)]
    if axis.is_whole:
        return int(suggested)
    return rounded(axis, suggested)


def rounded(axis: Axis, number: float) -> float:
    """Return a number of a range with few digits, so that labels are short and values exact."""
    low, high = map(float, axis.ends)
    narrow = int(log10(max(abs(low), abs(high)) / (high - low)))
    digits = _DIGITS + max(0, narrow) if axis.step is None else _DIGITS_OF_A_STEP
    return min(max(float(f"{number:.{digits}g}"), low), high)


def _parameters(space: Mapping[str, Axis], values: Values) -> dict[str, object]:
    """Return values as Optuna has them: a choice by its place."""
    return {name: _parameter(space[name], value) for name, value in values.items()}


def _parameter(axis: Axis, value: object) -> object:
    if axis.choices is None:
        return value
    return next(i for i, choice in enumerate(axis.choices) if repr(choice) == repr(value))
