"""What `make attack` has tried, from the counts below results/reliability."""

import csv
from collections import Counter

from blocks.markdown import table
from blocks.program import ROOT

COUNTS = ROOT / "results" / "reliability"


def attacks() -> str:
    """Return how many inputs of every kind were tried, all of which ended as they should."""
    counts = Counter[str]()
    for path in sorted(COUNTS.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                counts[row["tried"]] += int(row["count"])
    if not counts:
        raise LookupError("results/reliability: no counts; make them with: make attack")
    rows = [(what, f"{count:,}") for what, count in sorted(counts.items())]
    return table(("what was tried", "inputs"), [*rows, ("all", f"{counts.total():,}")])
