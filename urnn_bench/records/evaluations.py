"""``evaluations.csv``: test scores of the best weights by the length of the sequences.

The length of training is among them. The file is written anew from the record with every length.
"""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from urnn_bench.files import write_atomically
from urnn_bench.records.reading import COUNT_FROM_0, COUNT_FROM_1, NAME, NUMBER, LineFormat
from urnn_bench.records.record import Record


class Score(NamedTuple):
    """One test score of the weights of update ``step``, at a length."""

    step: int
    length: int
    metric: str
    value: float


FORMAT = LineFormat(
    Score, {"step": COUNT_FROM_0, "length": COUNT_FROM_1, "metric": NAME, "value": NUMBER}
)


def scores(record: Record) -> list[Score]:
    """Return every test score of a record that is finite, by length."""
    step = record.steps_done if record.best_step is None else record.best_step
    return [
        Score(step, length, metric, value)
        for length in record.lengths
        for metric, value in record.test_at(length).items()
        if value is not None
    ]


def write(path: Path, record: Record) -> None:
    """Replace the file by the test scores of a record."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([Score._fields, *scores(record)])
    content = text.getvalue().encode(errors="backslashreplace")
    write_atomically(path, lambda file: file.write(content))


def read(path: Path) -> list[Score]:
    """Return the rows of a file; damaged lines are left out with a warning."""
    return FORMAT.read(path)
