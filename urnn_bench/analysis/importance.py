"""Which axes of a search decide the loss: fANOVA of Hutter et al. (2014), computed by Optuna."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from urnn_bench.analysis.trials import (
    VALUE,
    axes_of,
    complete,
    is_positive,
    scale_of,
    values_of,
)
from urnn_bench.errors import NothingToShowError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_INSTALL = (
    "the importance of axes needs Optuna, which is not installed; install it with: "
    "pip install 'urnn-bench[search]'"
)
_TREES = 64


def importance(trials: pd.DataFrame, seed: int = 0) -> Mapping[str, float]:
    """Return for each axis which share of the variance of the loss it explains by itself.

    Of complete trials alone, as others were trained for less, and of the logarithm of the loss if
    every loss has one. A conditional axis is judged by the trials in which it is active, beside the
    axes that are active in all of these. An axis is left out if its trials have one value, or
    one loss. ``seed`` is that of the forest. Raises NothingToShowError without Optuna.
    """
    known = complete(trials)
    found: dict[str, float] = {}
    for rows, axes in _by_active_trials(known):
        active = known.loc[list(rows)]
        beside = [axis for axis in axes_of(known) if len(values_of(active, axis)) == len(active)]
        shares = _fanova(active, beside, seed)
        varied = [axis for axis in axes if values_of(active, axis).nunique() > 1]
        found |= {axis: shares[axis] for axis in varied if axis in shares}
    return {axis: found[axis] for axis in axes_of(known) if axis in found}


def _by_active_trials(trials: pd.DataFrame) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """Yield the axes that are active in the same trials, with these trials."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for axis in axes_of(trials):
        groups.setdefault(tuple(values_of(trials, axis).index), []).append(axis)
    yield from groups.items()


def _fanova(trials: pd.DataFrame, axes: Sequence[str], seed: int) -> Mapping[str, float]:
    """Return the shares of axes that are active in all of the trials."""
    try:
        from optuna import create_study, create_trial, importance
    except ImportError as error:
        raise NothingToShowError(_INSTALL) from error
    columns = {axis: _encoded(trials[f"{VALUE}{axis}"]) for axis in axes}
    distributions = {axis: distribution for axis, (_, distribution) in columns.items()}
    with _quiet():
        study = create_study()
        for i, loss in enumerate(_targets(trials)):
            params = {axis: values[i] for axis, (values, _) in columns.items()}
            study.add_trial(create_trial(value=loss, params=params, distributions=distributions))
        evaluator = importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
        try:
            return evaluator.evaluate(study, params=list(axes))
        except RuntimeError:
            # every tree is constant, as all losses are equal
            return {}


def _targets(trials: pd.DataFrame) -> list[float]:
    losses = trials["loss"].to_numpy(dtype=float)
    return [float(loss) for loss in (np.log(losses) if is_positive(trials) else losses)]


def _encoded(values: "pd.Series[Any]") -> "tuple[list[Any], BaseDistribution]":
    """Return the values of an axis and their range, which Optuna takes to be evenly spread."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    scale = scale_of(values)
    if scale == "words":
        words = [str(value) for value in values]
        return words, CategoricalDistribution(sorted(set(words)))
    numbers = [float(np.log(value)) if scale == "log" else value for value in values]
    return numbers, FloatDistribution(min(numbers), max(numbers))


@contextmanager
def _quiet() -> Iterator[None]:
    """Show none of Optuna's lines below a warning."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
