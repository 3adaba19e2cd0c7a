"""What the bars around a mean over seeds are, in words."""

import pandas as pd

from urnn_bench.analysis.statistics import FEWEST_SEEDS
from urnn_bench.figures._panels import count_seeds

_INTERVAL, _RANGE = "95 % interval", "range of the seeds"


def bars_of(frame: pd.DataFrame, *by: str) -> str:
    """Return what the bars of every model, length and value of ``by`` are; nothing without any."""
    counts = frame.groupby(["model", "T", *by])["seed"].nunique()
    has_interval = bool((counts >= FEWEST_SEEDS).any())
    has_range = bool(counts.between(2, FEWEST_SEEDS - 1).any())
    if has_interval and has_range:
        return f"{_INTERVAL}, the range of fewer than six seeds"
    return _INTERVAL if has_interval else _RANGE if has_range else ""


def seeds_and_bars(frame: pd.DataFrame, *by: str) -> str:
    """Return in words how many seeds there are, and what the bars around their mean are."""
    seeds, bars = count_seeds(frame, *by), bars_of(frame, *by)
    return f"{seeds}; bars: {bars}" if bars else seeds
