"""Runs of a benchmark to one row for each model and length.

Losses are summarised by their geometric mean with a t interval on the logarithm, other metrics by
their mean with a t interval, solved seeds by their share with Wilson's interval, the update of
solving by the median of its survival curve. The range over seeds stands beside them.
"""

from math import isfinite
from typing import Any

import pandas as pd

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import geometric_mean, mean, proportion, survival
from urnn_bench.records.record import GOOD

_COUNTS = ("T", "hidden", "parameters", "seeds", "good", "solved", "solved_step", "updates")


def summary(results: Results, metric: str | None = None) -> pd.DataFrame:
    """Return counts, means and ranges of the loss, or of a metric, by model and length."""
    runs = results.runs
    pairs = sorted(set(zip(runs["T"], runs["model"], strict=True)))
    groups = [runs[(runs["T"] == T) & (runs["model"] == model)] for T, model in pairs]
    rows = [
        _row(results, metric or results.criterion, *pair)
        for pair in zip(pairs, groups, strict=True)
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


def tested(results: Results) -> list[str]:
    """Return the metrics that runs were tested with."""
    names = [str(name) for name in results.runs.columns]
    return [name.removeprefix("test_") for name in names if name.startswith("test_")]


def _row(
    results: Results, metric: str, pair: tuple[int, str], runs: pd.DataFrame
) -> dict[str, Any]:
    T, model = pair
    test = runs.get(f"test_{metric}", pd.Series(dtype=float)).dropna()
    solved = runs["solved_step"].dropna()
    sought = any(r.run.fit.solved for r in results.records if (r.run.T, r.run.label) == pair)
    middle = geometric_mean if metric == results.criterion else mean
    found = middle([float(value) for value in test])
    share = proportion(len(solved), len(runs))
    steps = [None if pd.isna(step) else float(step) for step in runs["solved_step"]]
    when = survival(steps, [float(step) for step in runs["censored"]]).median
    baseline = next(iter(results.baselines(metric, T).values()), None)
    return {
        "benchmark": results.benchmark,
        "model": model,
        "T": T,
        "hidden": int(runs["hidden"].iloc[0]),
        "parameters": _number(runs["parameters"].max()),
        "seeds": len(runs),
        "good": int(runs["status"].isin(GOOD).sum()),
        "solved": len(solved) if sought else None,
        "solved_low": share.low if sought else None,
        "solved_high": share.high if sought else None,
        "solved_step": _number(when if isfinite(when) else None),
        "updates": int(runs["steps"].median()),
        "metric": metric or None,
        "test": _number(found.value),
        "test_low": _number(found.low),
        "test_high": _number(found.high),
        "median": _number(test.median()),
        "lowest": _number(test.min()),
        "highest": _number(test.max()),
        "baseline": baseline,
        "updates_per_s": _number(runs["updates_per_s"].median()),
    }


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
