"""Runs of a benchmark to one row for each model and length.

Seeds are summarised by median and range, which claim nothing about seeds that were not run.
"""

from typing import Any

import pandas as pd

from urnn_bench.records.record import GOOD
from urnn_bench.records.results import Results

_COUNTS = ("T", "hidden", "parameters", "seeds", "good", "solved", "solved_step", "updates")


def summary(results: Results) -> pd.DataFrame:
    """Return counts and medians with ranges, one row for each model and length."""
    runs = results.runs
    pairs = sorted(set(zip(runs["T"], runs["model"], strict=True)))
    rows = [_row(results, T, m, runs[(runs["T"] == T) & (runs["model"] == m)]) for T, m in pairs]
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


def _row(results: Results, T: int, model: str, runs: pd.DataFrame) -> dict[str, Any]:
    metric = results.criterion
    test = runs.get(f"test_{metric}", pd.Series(dtype=float)).dropna()
    solved = runs["solved_step"].dropna()
    baseline = next(iter(results.baselines(metric, T).values()), None)
    return {
        "benchmark": results.benchmark,
        "model": model,
        "T": T,
        "hidden": int(runs["hidden"].iloc[0]),
        "parameters": _number(runs["parameters"].max()),
        "seeds": len(runs),
        "good": int(runs["status"].isin(GOOD).sum()),
        "solved": len(solved),
        "solved_step": _number(round(solved.median()) if len(solved) else None),
        "updates": int(runs["steps"].median()),
        "metric": metric or None,
        "test": _number(test.median()),
        "lowest": _number(test.min()),
        "highest": _number(test.max()),
        "baseline": baseline,
        "updates_per_s": _number(runs["updates_per_s"].median()),
    }


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
