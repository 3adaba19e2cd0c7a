"""Records: run.json and metrics.csv of the committed runs, and tables made of them."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from blocks.markdown import short, spread
from blocks.markdown import table as markdown
from blocks.program import PAPER, ROOT, output_of
from urnn_bench.analysis.timing import timed_on
from urnn_bench.records.record import Record


@dataclass(frozen=True)
class Run:
    """One run's folder and its record."""

    folder: Path
    record: dict[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        """The model and the length."""
        return self.record["run"]["label"], self.record["run"]["task"]["options"]["T"]

    def rows(self, file: str) -> list[dict[str, str]]:
        """Return the rows of metrics.csv or probes.csv."""
        with (self.folder / file).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))


@cache
def runs(folder: str, benchmark: str) -> tuple[Run, ...]:
    """Return the runs of a benchmark below results/paper/FOLDER, by seed."""
    found = sorted((ROOT / PAPER / folder / benchmark).glob("*/run.json"))
    made = [Run(path.parent, json.loads(path.read_text(encoding="utf-8"))) for path in found]
    return tuple(sorted(made, key=lambda run: (*run.key, run.record["run"]["seed"])))


def of(folder: str, benchmark: str, model: str, T: int) -> list[Run]:
    """Return a model's runs at a length; raise LookupError if there is none."""
    found = [run for run in runs(folder, benchmark) if run.key == (model, T)]
    if not found:
        raise LookupError(f"no run of {model} at T = {T} below results/paper/{folder}/{benchmark}")
    return found


def of_seeds(found: Sequence[Run], seeds: str) -> list[Run]:
    """Return the runs of some seeds, such as "0,1"; all of them without any."""
    wanted = {int(seed) for seed in seeds.split(",") if seed}
    return [run for run in found if not wanted or run.record["run"]["seed"] in wanted]


def timed(found: Sequence[Run]) -> Sequence[Run]:
    """Return the runs whose times are of the device that most of them have, for all seeds alike.

    Raises LookupError if no device has more than half, as times of several are not compared.
    """
    records = [Record.read(run.folder) for run in found]
    devices = [record and timed_on(record) for record in records]
    (device, count), *_ = Counter(devices).most_common()
    if device is None or 2 * count <= len(found):
        raise LookupError(f"times of several devices are not compared: {found[0].folder.parent}")
    return [run for run, its in zip(found, devices, strict=True) if its == device]


COPYING = (
    "T",
    "updates",
    "uRNN (128 units)",
    "LSTM (40)",
    "tanh RNN (80)",
    "memoryless",
    "updates until the uRNN is below 0.01 on validation",
)


def copying() -> str:
    """Return what `table copy` says of the README's runs: medians and ranges over seeds."""
    rows = output_of("table", "copy", "--results", (PAPER / "readme").as_posix())
    at = {(row["T"], row["model"]): row for row in rows}
    lengths = sorted({T for T, _ in at})
    models = ("urnn", "lstm", "rnn")
    return markdown(COPYING, [_copying(T, [at[T, name] for name in models]) for T in lengths])


def _copying(T: int, rows: Sequence[dict[str, Any]]) -> list[object]:
    scores = [_with_range(row, "median", "lowest", "highest") for row in rows]
    first = rows[0]
    solved = f"{_steps(of('readme', 'copy', 'urnn', T))}, {first['solved']} of {first['seeds']}"
    baseline = short(first["baseline"])
    return [T, f"{first['updates']:,}", *scores, baseline, f"{solved} seeds"]


def _with_range(row: dict[str, Any], *keys: str) -> str:
    value, low, high = (short(row[key]) for key in keys)
    return f"{value} ({low} to {high})"


def _steps(found: Sequence[Run]) -> str:
    steps = [r.record["solved_step"] for r in found if r.record["solved_step"] is not None]
    if not steps:
        return "–"
    return f"{median(steps):,.0f} ({spread(steps)})" if len(steps) > 1 else f"{steps[0]:,}"


def accuracy(*benchmarks: str) -> str:
    """Return mean test accuracies with their intervals, a row a benchmark, a column a model."""
    asked = ("--metric", "accuracy", "--results", (PAPER / "readme").as_posix())
    tables = {name: output_of("table", name, *asked) for name in benchmarks}
    models = [f"`{r['model']}` ({r['parameters']:,} parameters)" for r in tables[benchmarks[0]]]
    scores = {
        name: [_with_range(row, "test", "test_low", "test_high") for row in rows]
        for name, rows in tables.items()
    }
    return markdown(["", *models], [[f"`{name}`", *row] for name, row in scores.items()])


def solved(folder: str, benchmark: str, model: str) -> str:
    """Return how many seeds have solved a benchmark at every length, and after how many updates."""
    lengths = sorted({run.key[1] for run in runs(folder, benchmark) if run.key[0] == model})
    headers = ("T", "seeds that solved it", "updates until solved", "updates of the others")
    return markdown(headers, [_solved(T, of(folder, benchmark, model, T)) for T in lengths])


def _solved(T: int, found: Sequence[Run]) -> list[object]:
    solved = [r.record["solved_step"] for r in found if r.record["solved_step"] is not None]
    others = {r.record["steps_done"] for r in found if r.record["solved_step"] is None}
    when = ", ".join(f"{step:,}" for step in sorted(solved)) or "–"
    most = ", ".join(f"{steps:,}" for steps in sorted(others)) or "–"
    return [f"{T:,}", f"{len(solved)} of {len(found)}", when, most]
