"""Single numbers of the timings below results/speed, for sentences."""

import json
from typing import Any

from blocks.markdown import short, spread
from blocks.speed import SPEED, timings


def timing(file: str, model: str, kernel: str, column: str) -> str:
    """Return a number of the one row of a CSV file that has this model and kernel.

    A share is said in percent.
    """
    rows = [t.row for t in timings(file) if (t.model, t.kernel) == (model, kernel)]
    if len(rows) != 1:
        raise LookupError(f"results/speed/{file}.csv: {len(rows)} rows of {model} by {kernel}")
    value = float(rows[0][column])
    return f"{100 * value:.0f} %" if column in ("share", "of_peak") else short(value, 2)


def _stacks() -> list[dict[str, Any]]:
    paths = sorted(SPEED.glob("stacking*.json"))
    return [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]


def stacking_times(which: str) -> str:
    """Return the range of what stacking gains by the time loop, "eager", or by "other" kernels."""
    ratios = [r["ratio"] for r in _stacks() if (r["kernel"] == "eager") == (which == "eager")]
    return spread(ratios, 2)


def stacking_count() -> str:
    """Return how many pairs of cell and kernel gain by stacking, of how many that were timed."""
    ratios = [row["ratio"] for row in _stacks()]
    return f"{sum(ratio > 1 for ratio in ratios)} of {len(ratios)}"
