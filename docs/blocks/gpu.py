"""Timings on a GPU, which `urnn-bench kernels --device cuda` wrote below results/speed."""

import csv

from blocks.markdown import short
from blocks.markdown import table as markdown
from blocks.speed import SPEED, Size, Timing, timings

# what the columns of the table show: a model, the kernel that a run has, and the head of the column
_UPDATES = (
    ("urnn", "triton", "uRNN, Triton"),
    ("lstm", "vendor", "LSTM, cuDNN"),
    ("lstm", "bptt", "LSTM, by hand"),
    ("lstm_paper", "bptt", "LSTM of the uRNN paper, by hand"),
    ("rnn", "vendor", "tanh RNN, cuDNN"),
)


def updates(name: str) -> str:
    """Return how long a whole update takes, by model and size."""
    found = timings(name)
    headers = ("units", "batch", "time steps", *(head for *_, head in _UPDATES))
    sizes = sorted({t.size for t in found}, key=lambda size: (size[2], size[1], size[0]))
    return markdown(headers, [_row(found, size) for size in sizes])


def _row(found: tuple[Timing, ...], size: Size) -> list[object]:
    steps, batch, hidden = size
    times = [_update_ms(found, model, kernel, size) for model, kernel, _ in _UPDATES]
    return [hidden, batch, f"{steps:,}", *times]


def _update_ms(found: tuple[Timing, ...], model: str, kernel: str, size: Size) -> str:
    at = (t for t in found if (t.model, t.kernel, t.size) == (model, kernel, size))
    timing = next(at, None)
    return "–" if timing is None else timing.said("update_ms")


def update_ms(name: str, model: str, kernel: str, steps: str, batch: str, hidden: str) -> str:
    """Return the milliseconds of one update."""
    return _update_ms(timings(name), model, kernel, (int(steps), int(batch), int(hidden)))


def times_faster(name: str, one: str, other: str, steps: str, batch: str, hidden: str) -> str:
    """Return how many times faster an update of one model and kernel is than of another.

    Both are given as MODEL:KERNEL.
    """
    size = int(steps), int(batch), int(hidden)
    rows = {(t.model, t.kernel): t.row for t in timings(name) if t.size == size}
    fast_ms, slow_ms = (float(rows[_pair(which)]["update_ms"]) for which in (one, other))
    return short(slow_ms / fast_ms)


def _pair(which: str) -> tuple[str, str]:
    model, _, kernel = which.partition(":")
    return model, kernel


def stacked(column: str) -> str:
    """Return a column of the stack of uRNNs that was timed."""
    with (SPEED / "h200-stacking.tsv").open(encoding="utf-8", newline="") as lines:
        (row,) = csv.DictReader(lines, delimiter="\t")
    return row[column]
