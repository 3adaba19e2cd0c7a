"""``probes.csv``: probe readings at every step of a sequence, one per line, in long form."""

from pathlib import Path
from typing import NamedTuple

from urnn_bench.events import Probed
from urnn_bench.records.lines import CsvAppender
from urnn_bench.records.reading import COUNT_FROM_0, COUNT_FROM_1, NAME, NUMBER, LineFormat


class Reading(NamedTuple):
    """A probe's value for a state at time t, from 1, after ``step`` updates."""

    step: int
    probe: str
    state: str
    t: int
    value: float


FORMAT = LineFormat(
    Reading,
    {"step": COUNT_FROM_0, "probe": NAME, "state": NAME, "t": COUNT_FROM_1, "value": NUMBER},
)


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
    return FORMAT.read(path)
