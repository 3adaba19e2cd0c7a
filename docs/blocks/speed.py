"""Timings that `urnn-bench kernels` wrote below results/speed: CSV files, and JSON of stacks."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from blocks.markdown import short
from blocks.markdown import table as markdown
from blocks.program import ROOT

SPEED = ROOT / "results" / "speed"
Size = tuple[int, int, int]


@dataclass(frozen=True)
class Timing:
    """A model by a kernel at a size (steps, batch, hidden), as a row of the CSV has it."""

    model: str
    kernel: str
    size: Size
    row: dict[str, str]

    def said(self, column: str) -> str:
        """Return a number of a column, short, or a dash."""
        return short(float(self.row[column])) if self.row[column] else "–"

    @property
    def ratio(self) -> str:
        """How many times faster than the time loop, with the range over rounds."""
        low, high = self.said("ratio_low"), self.said("ratio_high")
        return f"{self.said('ratio')} ({low} to {high})"


@cache
def timings(pattern: str) -> tuple[Timing, ...]:
    """Return every timing of the CSV files that match; raise LookupError if there are none."""
    found = tuple(t for path in sorted(SPEED.glob(f"{pattern}.csv")) for t in _read(path.name))
    if not found:
        raise LookupError(f"results/speed/{pattern}.csv: no timings; see docs/speed.md")
    return found


def _read(name: str) -> Iterator[Timing]:
    with (SPEED / name).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            steps, batch, hidden = (int(row[key]) for key in ("steps", "batch", "hidden"))
            yield Timing(row["model"], row["kernel"], (steps, batch, hidden), row)


def _sizes(found: tuple[Timing, ...]) -> list[Size]:
    return sorted({t.size for t in found}, key=lambda s: (s[0] == max(s), s[2], s[0], s[1]))


def _at(found: tuple[Timing, ...], model: str, kernel: str, size: Size) -> Timing:
    return next(t for t in found if (t.model, t.kernel, t.size) == (model, kernel, size))


def _named(size: Size) -> str:
    steps, batch, hidden = size
    return f"{hidden} units, batch {batch}, {steps:,} steps"


UNITARY = (
    "uRNN",
    "time loop (ms)",
    "in C (ms)",
    "times faster",
    "memory of the loop (MiB)",
    "memory in C (MiB)",
    "nn.LSTM, same width (ms)",
    "whole update in C (ms)",
)


def unitary() -> str:
    """Return the uRNN by the time loop and in C at every size, beside torch's LSTM."""
    return markdown(UNITARY, _unitary_rows())


def _unitary_rows() -> list[list[str]]:
    found = timings("urnn*")
    return [_unitary(found, size) for size in _sizes(found)]


def _unitary(found: tuple[Timing, ...], size: Size) -> list[str]:
    loop, in_c = (_at(found, "urnn", kernel, size) for kernel in ("eager", "c"))
    vendor = _at(found, "torch", "nn.LSTM", size)
    times = [t.said("recurrence_ms") for t in (loop, in_c)]
    memory = [t.said("memory_mb") for t in (loop, in_c)]
    whole = in_c.said("update_ms")
    return [_named(size), *times, in_c.ratio, *memory, vendor.said("recurrence_ms"), whole]


def summary() -> str:
    """Return the same in five columns, for the README."""
    headers = ("uRNN, forward and backward", "time loop", "in C", "times faster", "nn.LSTM")
    rows = _unitary_rows()
    return markdown(headers, [(r[0], f"{r[1]} ms", f"{r[2]} ms", r[3], f"{r[6]} ms") for r in rows])


def models(pattern: str) -> str:
    """Return every kernel that was timed, by model and width."""
    headers = ("model", "kernel", "units", "forward and backward (ms)", "times faster")
    return markdown(headers, [_model(t) for t in timings(pattern) if t.row["recurrence_ms"]])


def _model(timing: Timing) -> list[object]:
    name = "torch" if timing.model == "torch" else f"`{timing.model}`"
    ratio = timing.ratio if timing.row["ratio"] else "–"
    return [name, f"`{timing.kernel}`", timing.size[2], timing.said("recurrence_ms"), ratio]


def of_sizes(pattern: str) -> str:
    """Return every kernel that was timed, with steps and batch, a whole update and its memory."""
    headers = ("model", "kernel", "time steps", "batch", "units")
    times = ("forward and backward (ms)", "update (ms)", "MiB")
    timed = [t for t in timings(pattern) if t.row["recurrence_ms"]]
    return markdown((*headers, *times), map(_of_size, timed))


def _of_size(timing: Timing) -> list[object]:
    name = "torch" if timing.model == "torch" else f"`{timing.model}`"
    said = [timing.said(key) for key in ("recurrence_ms", "update_ms", "memory_mb")]
    return [name, f"`{timing.kernel}`", *timing.size, *said]


def forward(pattern: str) -> str:
    """Return every forward pass that was timed, the long sequences first, then the fast ones."""
    headers = ("model", "kernel", "time steps", "batch", "forward (ms)", "steps per second")
    timed = [t for t in timings(pattern) if t.row["forward_ms"]]
    timed.sort(key=lambda t: (-t.size[0], -float(t.row["steps_per_s"])))
    return markdown(headers, map(_forward, timed))


def _forward(timing: Timing) -> list[object]:
    steps, batch, _ = timing.size
    pace = f"{float(format(float(timing.row['steps_per_s']), '.3g')):,.0f}"
    names = [f"`{timing.model}`", f"`{timing.kernel}`"]
    return [*names, f"{steps:,}", batch, timing.said("forward_ms"), pace]


def peers(pattern: str) -> str:
    """Return paces of forward passes beside those of other libraries and of the first model."""
    headers = ("model", "kernel", "steps per second", "range", "times the peer", "times the first")
    return markdown(headers, [_peer(t) for t in timings(pattern) if t.row["forward_ms"]])


def _peer(timing: Timing) -> list[object]:
    paces = [f"steps_per_s{end}" for end in ("", "_low", "_high")]
    pace, low, high = (f"{float(format(float(timing.row[c]), '.3g')):,.0f}" for c in paces)
    ratios = [_spread(timing, column) for column in ("peer_ratio", "first_ratio")]
    return [f"`{timing.model}`", f"`{timing.kernel}`", pace, f"{low} to {high}", *ratios]


def _spread(timing: Timing, column: str) -> str:
    middle, low, high = (timing.said(f"{column}{end}") for end in ("", "_low", "_high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def stacking() -> str:
    """Return what training ten seeds in one update gains, by model and kernel."""
    headers = ("model", "units", "kernel", "one after another (ms)", "stacked (ms)", "times faster")
    paths = sorted(SPEED.glob("stacking*.json"))
    return markdown(headers, [row for path in paths for row in _stacks(path.name)])


def _stacks(name: str) -> Iterator[list[Any]]:
    for row in json.loads((SPEED / name).read_text(encoding="utf-8")):
        ratio, low, high = (short(row[key]) for key in ("ratio", "ratio_low", "ratio_high"))
        times = [short(row[key]) for key in ("apart_ms", "together_ms")]
        what = [f"`{row['model']}`", row["hidden"], f"`{row['kernel']}`"]
        yield [*what, *times, f"{ratio} ({low} to {high})"]
