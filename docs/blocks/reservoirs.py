"""Reservoirs: accuracy beside the recurrent weights and the trained parameters of every model."""

from collections.abc import Sequence
from statistics import mean

from blocks.markdown import table as markdown
from blocks.records import Run, runs

_FOLDER = "hbp-esn-2020"
_HEADERS = (
    "model",
    "recurrent weights",
    "kB",
    "trained parameters",
    "seeds",
    "accuracy in per cent",
)


def table(benchmark: str) -> str:
    """Return a row for every model, the best first: the mean over seeds, and its range."""
    found = runs(_FOLDER, benchmark)
    labels = {run.key[0] for run in found}
    models = [[run for run in found if run.key[0] == label] for label in labels]
    models.sort(key=lambda own: (-mean(map(_accuracy, own)), own[0].key))
    return markdown(_HEADERS, [_row(own) for own in models])


def _row(own: Sequence[Run]) -> tuple[str, ...]:
    record, values = own[0].record, [_accuracy(run) for run in own]
    numbers = f"{mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"
    weights, parameters = (f"{record[key]:,}" for key in ("recurrent_weights", "parameters"))
    size_kb = f"{record['recurrent_bytes'] / 1000:.3g}"
    return own[0].key[0], weights, size_kb, parameters, str(len(own)), numbers


def _accuracy(run: Run) -> float:
    return 100 * float(run.record["test"]["accuracy"])
