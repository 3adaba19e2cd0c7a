"""One row for each model and length, from the runs of a benchmark.

Losses are summarised by their geometric mean with a t interval on the logarithm, other metrics by
their mean with a t interval, solved seeds by their share with Wilson's interval, the update of
solving by the median of its survival curve. The range over seeds is given as well.
"""

from math import isfinite

import pandas as pd

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import geometric_mean, mean, proportion, survival
from urnn_bench.records.record import GOOD

_COUNTS = ("T", "hidden", "parameters", "seeds", "good", "solved", "solved_step", "updates")


def summary(results: Results, metric: str | None = None) -> pd.DataFrame:
    """Return counts, means and ranges of the loss, or of a metric, by model and length."""
    runs = results.runs
    keys = sorted(set(zip(runs["T"], runs["model"], strict=True)))
    groups = [runs[(runs["T"] == T) & (runs["model"] == model)] for T, model in keys]
    rows = [
        _row(results, metric or results.criterion, T, model, group)
        for (T, model), group in zip(keys, groups, strict=True)
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


def tested(results: Results) -> list[str]:
    """Return the metrics that runs were tested with."""
    names = [str(name) for name in results.runs.columns]
    return [name.removeprefix("test_") for name in names if name.startswith("test_")]


def _row(
    results: Results, metric: str, T: int, model: str, runs: pd.DataFrame
) -> dict[str, object]:
    return {
        "benchmark": results.benchmark,
        "model": model,
        "T": T,
        "hidden": int(runs["hidden"].iloc[0]),
        "parameters": _number(runs["parameters"].max()),
        "seeds": len(runs),
        "good": int(runs["status"].isin(GOOD).sum()),
        **_solved(results, T, model, runs),
        "updates": int(runs["steps"].median()),
        "metric": metric or None,
        **_test(results, metric, runs),
        "baseline": next(iter(results.baselines(metric, T).values()), None),
        "updates_per_s": _number(runs["updates_per_s"].median()),
    }


def _solved(results: Results, T: int, model: str, runs: pd.DataFrame) -> dict[str, float | None]:
    """Return how many seeds solved the task and when; counts only if ``fit.solved`` is given."""
    count = int(runs["solved_step"].notna().sum())
    has_criterion = any(
        record.run.fit.solved
        for record in results.records
        if (record.run.T, record.run.label) == (T, model)
    )
    share = proportion(count, len(runs))
    steps = [None if pd.isna(step) else float(step) for step in runs["solved_step"]]
    median = survival(steps, [float(step) for step in runs["censored"]]).median
    return {
        "solved": count if has_criterion else None,
        "solved_low": share.low if has_criterion else None,
        "solved_high": share.high if has_criterion else None,
        "solved_step": _number(median if isfinite(median) else None),
    }


def _test(results: Results, metric: str, runs: pd.DataFrame) -> dict[str, float | None]:
    """Return the average test score with its interval, the median and the range."""
    scores = runs.get(f"test_{metric}", pd.Series(dtype=float)).dropna()
    average_of = geometric_mean if metric == results.criterion else mean
    average = average_of([float(score) for score in scores])
    return {
        "test": _number(average.value),
        "test_low": _number(average.low),
        "test_high": _number(average.high),
        "median": _number(scores.median()),
        "lowest": _number(scores.min()),
        "highest": _number(scores.max()),
    }


def _number(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
