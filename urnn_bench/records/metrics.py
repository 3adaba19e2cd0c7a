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
# the last column, of runs in stages alone
STAGE: Final = "stage"


class Row(NamedTuple):
    """One measured value."""

    step: int
    examples: int
    train_s: float
    split: str
    metric: str
    value: float


class StagedRow(NamedTuple):
    """One measured value, and the stage of the training that it is of."""

    step: int
    examples: int
    train_s: float
    split: str
    metric: str
    value: float
    stage: str


_COLUMNS = {
    "step": COUNT_FROM_0,
    "examples": COUNT_FROM_0,
    "train_s": NUMBER,
    "split": NAME,
    "metric": NAME,
    "value": NUMBER,
}
FORMAT = LineFormat[Row | StagedRow](
    Row, _COLUMNS, LineFormat(StagedRow, {**_COLUMNS, STAGE: NAME})
)


class MetricsWriter(CsvAppender):
    """Appends the values of ``Measured`` events to a file."""

    def __init__(self, path: Path, length: int = 0, in_stages: bool = False) -> None:
        """Keep the first ``length`` bytes of ``path``."""
        super().__init__(path, [*_COLUMNS, *([STAGE] if in_stages else [])], length)
        self._in_stages = in_stages

    def write(self, event: Measured) -> None:
        """Append a line for every metric of the event."""
        prefix = (event.step, event.examples, f"{event.train_s:.4f}", event.split)
        stage = (event.stage,) if self._in_stages else ()
        self.append((*prefix, metric, value, *stage) for metric, value in event.metrics.items())


def read(path: Path, split: str | None = None) -> list[Row | StagedRow]:
    """Return the rows of a file, or of one split; damaged lines are left out with a warning."""
    return [row for row in FORMAT.read(path) if split in (None, row.split)]
