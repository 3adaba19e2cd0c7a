"""The trials of searches as a frame, and what is best after so many of them, or so many updates.

A trial that was pruned counts with the loss that it had by then, and its updates are part of the
cost. One that failed has no loss, and its updates are part of the cost too.
"""

from collections.abc import Mapping, Sequence
from math import comb, inf, nan
from typing import Any, Literal

import numpy as np
import pandas as pd

from urnn_bench.analysis.statistics import geometric_mean, mean, range_of_few
from urnn_bench.records.trials import COMPLETE, Trial
from urnn_bench.spec.load import value_text

# before the name of an axis in a frame, as an axis may be called "seed"
VALUE = "values."
SEARCH = ["model", "T", "sampler", "seed"]
_OF_TRIAL = ["trial", "label", "state", "updates", "loss"]
_FIRST_RUNG = ["first_updates", "first_loss"]
_COLUMNS = [*SEARCH, *_OF_TRIAL, *_FIRST_RUNG, "number", "total_updates", "best"]
# values that span more are on a logarithmic axis
_DECADE = 10.0

AxisScale = Literal["log", "linear", "words"]
# the parameters of one trial by axis
Values = Mapping[str, object]


def frame(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return a row for each trial, those of a search in order.

    ``number`` counts the trials of a search from 1, ``total_updates`` and ``best`` are the cost and
    the lowest loss of all up to this one. ``first_loss`` is that after ``first_updates``, at which
    the first trials are pruned. The value of an axis is in the column ``values.AXIS``,
    None where it is not active. A later line of a trial counts for nothing.
    """
    rows = pd.DataFrame([_row(trial) for trial in trials])
    if rows.empty:
        return pd.DataFrame(columns=_COLUMNS)
    rows = rows.drop_duplicates([*SEARCH, "trial"], keep="first")
    rows = rows.sort_values([*SEARCH, "trial"], ignore_index=True)
    searches = rows.groupby(SEARCH)
    rows["number"] = searches.cumcount() + 1
    rows["total_updates"] = searches["updates"].cumsum()
    # a failed trial keeps what was best before it
    losses = rows["loss"].fillna(inf)
    rows["best"] = losses.groupby([rows[key] for key in SEARCH]).cummin().replace(inf, nan)
    values = [name for name in rows if str(name).startswith(VALUE)]
    return rows[[*_COLUMNS, *values]]


def _row(trial: Trial) -> dict[str, object]:
    known = {name: getattr(trial, name) for name in (*SEARCH, *_OF_TRIAL)}
    loss = nan if trial.loss is None else trial.loss
    first = dict(zip(_FIRST_RUNG, trial.rungs[0] if trial.rungs else (nan, nan), strict=True))
    return {**known, "loss": loss, **first, **_value_columns(trial.values)}


def _value_columns(values: Values) -> dict[str, object]:
    return {f"{VALUE}{axis}": _plain(value) for axis, value in values.items()}


def _plain(value: object) -> object:
    """Return a number, or the text of anything else, such as a list."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else value_text(value)  # type: ignore[arg-type]


def axes_of(trials: pd.DataFrame) -> list[str]:
    """Return the axes that are active in some of the trials."""
    named = [str(name) for name in trials if str(name).startswith(VALUE)]
    return [name.removeprefix(VALUE) for name in named if trials[name].notna().any()]


def values_of(trials: pd.DataFrame, axis: str) -> "pd.Series[Any]":
    """Return the values of an axis in the trials in which it is active, by their index."""
    return trials[f"{VALUE}{axis}"].dropna()


def scale_of(values: "pd.Series[Any]") -> AxisScale:
    """Return how the values of an axis are spaced: numbers over a decade by their logarithm."""
    if not all(isinstance(value, float) for value in values):
        return "words"
    return "log" if values.min() > 0 and values.max() > _DECADE * values.min() else "linear"


def is_positive(trials: pd.DataFrame) -> bool:
    """Return whether every known loss has a logarithm."""
    return bool((trials["loss"].dropna() > 0).all())


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that were trained to the end and have a loss."""
    return trials[(trials["state"] == COMPLETE) & trials["loss"].notna()]


def at_first_rung(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that had a loss after the fewest updates of a rung, with that loss."""
    reached: pd.DataFrame = trials[trials["first_loss"].notna()]
    reached = reached[reached["first_updates"] == reached["first_updates"].min()]
    return reached.assign(loss=reached["first_loss"], state=COMPLETE)


def best_by_trial(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the lowest loss after each number of trials, a column for each seed."""
    return trials.pivot(index="number", columns="seed", values="best")


def best_by_updates(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the lowest loss of the trials that ended within so many updates in all.

    A column for each seed and a row for every cost at which a trial of any ended. After the last
    trial of a seed nothing is known of it.
    """
    # a trial that cost nothing ends at the same update as the one before
    curves = trials.pivot_table(
        index="total_updates", columns="seed", values="best", aggfunc="last", dropna=False
    )
    ends = trials.groupby("seed")["total_updates"].max()
    held = curves.ffill()
    return held.where(held.index.to_numpy()[:, np.newaxis] <= ends[held.columns].to_numpy())


def averages(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the seeds with its 95 % interval, where all seeds have a value.

    Fewer than six seeds have their range instead. The mean is geometric if every value is positive.
    """
    shared = curves.dropna()
    average = geometric_mean if (shared > 0).all(axis=None) else mean
    known = [[float(v) for v in row] for row in shared.to_numpy()]
    intervals = [range_of_few(values, average(values)) for values in known]
    rows = [(i.value, i.low, i.high) for i in intervals]
    return pd.DataFrame(rows, index=shared.index, columns=["value", "low", "high"])


def expected_best(losses: Sequence[float], k: int) -> float:
    """Return the expected lowest of ``k`` losses drawn without replacement.

    The i-th lowest of n is the lowest of the draw in C(n - i, k - 1) of C(n, k) cases. Pass inf for
    a trial that failed. Raises ValueError if fewer than one or more than all are drawn.
    """
    n = len(losses)
    if not 1 <= k <= n:
        raise ValueError(f"{k} of {n}")
    cases = [comb(n - i, k - 1) for i in range(1, n + 1)]
    drawn = zip(sorted(losses), cases, strict=True)
    # infinity times no case at all is nan
    return sum(loss * (count / comb(n, k)) for loss, count in drawn if count)
