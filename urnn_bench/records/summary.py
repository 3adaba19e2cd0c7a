"""Runs of a benchmark to one row for each model and length.

Seeds are summarised by median and range, which claim nothing about seeds that were not run.
"""

from typing import Any

import pandas as pd

from urnn_bench.records.record import GOOD
from urnn_bench.records.results import Results


def summary(results: Results) -> pd.DataFrame:
    """Return counts and medians with ranges, one row for each model and length."""
    runs = results.runs
    pairs = sorted(set(zip(runs["T"], runs["model"], strict=True)))
    rows = [_row(results, T, m, runs[(runs["T"] == T) & (runs["model"] == m)]) for T, m in pairs]
    return pd.DataFrame(rows)


def _row(results: Results, T: int, model: str, runs: pd.DataFrame) -> dict[str, Any]:
    metric = results.criterion
    test = runs.get(f"test_{metric}", pd.Series(dtype=float)).dropna()
    solved = runs["solved_step"].dropna()
    baseline = next(iter(results.baselines(metric, T).values()), None)
    return {
        "model": model,
        "T": T,
        "hidden": int(runs["hidden"].iloc[0]),
        "parameters": _whole(runs["parameters"].max()),
        "seeds": len(runs),
        "good": int(runs["status"].isin(GOOD).sum()),
        "solved": len(solved),
        "solved_step": _number(solved.median()),
        "updates": int(runs["steps"].median()),
        f"test_{metric}": _number(test.median()),
        "lowest": _number(test.min()),
        "highest": _number(test.max()),
        "baseline": baseline,
        "updates_per_s": _number(runs["updates_per_s"].median()),
    }


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
