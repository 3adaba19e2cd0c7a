"""``probes.csv``: probe readings at every step of a sequence, one per line, in long form."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from urnn_bench.events import Probed
from urnn_bench.records.lines import CsvAppender, read_lines, warn_of


class Reading(NamedTuple):
    """A probe's value for a state at time t, from 1, after ``step`` updates."""

    step: int
    probe: str
    state: str
    t: int
    value: float


class ProbesWriter(CsvAppender):
    """Appends the curves of ``Probed`` events to a file."""

    def __init__(self, path: Path, length: int = 0) -> None:
        """Keep the first ``length`` bytes of ``path``."""
        super().__init__(path, Reading._fields, length)

    def write(self, event: Probed) -> None:
        """Append a line for every point, with seven digits, more than a figure can show."""
        self.append(
            (event.step, probe, state, t, f"{value:.7g}")
            for (probe, state), curve in event.curves.items()
            for t, value in enumerate(curve, start=1)
        )


def read(path: Path) -> list[Reading]:
    """Return the rows of a file; damaged lines are left out with a warning."""
    rows = [_reading(fields) for fields in read_lines(path)]
    warn_of(path, sum(row is None for row in rows))
    return [row for row in rows if row is not None]


def _reading(fields: Sequence[str] | None) -> Reading | None:
    try:
        step, probe, state, t, value = fields or ()
        return Reading(int(step), probe, state, int(t), float(value))
    except ValueError:
        return None
