"""``metrics.csv``: one measured value per line, in long form, append-only with one writer.

A new metric is a new value in a column, never a new column. Lines written after the last
checkpoint are cut off when a run resumes, and written again.
"""

from pathlib import Path
from typing import Final, NamedTuple

from urnn_bench.events import Measured
from urnn_bench.records.lines import CsvAppender
from urnn_bench.records.reading import COUNT_FROM_0, NAME, NUMBER, LineFormat

# the split of the single numbers that probes read
PROBE: Final = "probe"


class Row(NamedTuple):
    """One measured value."""

    step: int
    examples: int
    train_s: float
    split: str
    metric: str
    value: float


FORMAT = LineFormat(
    Row,
    {
        "step": COUNT_FROM_0,
        "examples": COUNT_FROM_0,
        "train_s": NUMBER,
        "split": NAME,
        "metric": NAME,
        "value": NUMBER,
    },
)


class MetricsWriter(CsvAppender):
    """Appends the values of ``Measured`` events to a file."""

    def __init__(self, path: Path, length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``."""
        super().__init__(path, Row._fields, length)

    def write(self, event: Measured) -> None:
        """Append a line for every metric of the event."""
        prefix = (event.step, event.examples, f"{event.train_s:.4f}", event.split)
        self.append((*prefix, metric, value) for metric, value in event.metrics.items())


def read(path: Path, split: str | None = None) -> list[Row]:
    """Return the rows of a file, or of one split; damaged lines are left out with a warning."""
    return [row for row in FORMAT.read(path) if split in (None, row.split)]
