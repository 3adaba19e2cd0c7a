"""Trajectories: accuracy where the test has the rate of training, and where it has another."""

from collections.abc import Sequence
from statistics import mean

from blocks.markdown import table as markdown
from blocks.records import Run, runs

_FOLDER, _BENCHMARK = "hippo-2020", "hippo/trajectories"
_HZ = {182: 200, 91: 100}
# of training and of the test, as the paper orders them
_PAIRS = ((182, 182), (91, 91), (182, 91), (91, 182))


def table() -> str:
    """Return a row for every model: the mean accuracy over seeds, and its range, in per cent."""
    found = runs(_FOLDER, _BENCHMARK)
    labels = dict.fromkeys(run.key[0] for run in found)
    headers = ("model", "seeds", *(f"{_HZ[a]} → {_HZ[b]} Hz" for a, b in _PAIRS))
    rows = [_row(label, [run for run in found if run.key[0] == label]) for label in labels]
    return markdown(headers, rows)


def _row(label: str, own: Sequence[Run]) -> tuple[str, ...]:
    cells = [[_accuracy(run, b) for run in own if run.key[1] == a] for a, b in _PAIRS]
    return label, _seeds(cells), *map(_shown, cells)


def _seeds(cells: Sequence[Sequence[float]]) -> str:
    counts = sorted({len(cell) for cell in cells if cell})
    return " or ".join(map(str, counts))


def _accuracy(run: Run, T: int) -> float:
    own = run.key[1] == T
    scores = run.record["test"] if own else run.record["evaluations"][str(T)]["test"]
    return 100 * float(scores["accuracy"])


def _shown(values: Sequence[float]) -> str:
    if not values:
        return "–"
    middle = f"{mean(values):.1f}"
    return f"{middle} ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else middle
