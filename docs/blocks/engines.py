"""What each engine that trains runs costs beside training."""

import csv
from itertools import pairwise

from blocks.markdown import short, table
from blocks.speed import SPEED

_NAMES = {
    "jobs 1": "one process, `--jobs 1`",
    "jobs 2": "two processes, `--jobs 2`",
    "slurm": "Slurm with a free node, two tasks of one processor, `--on slurm --jobs 2`",
    "ray": "Ray that the command starts, `--on ray`",
    "ray, running": "Ray that runs already, `--on ray:HOST:PORT`",
}
_HEADERS = (
    "engine",
    "from the command to the first run (s)",
    "a run, of many (ms)",
)


def overheads() -> str:
    """Return a row for each engine, from its times of few and of many runs."""
    with (SPEED / "engines-cpu.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [(a, b) for a, b in pairwise(rows) if a["engine"] == b["engine"]]
    return table(_HEADERS, [_row(few, many) for few, many in pairs])


def _row(few: dict[str, str], many: dict[str, str]) -> tuple[str, str, str]:
    runs = int(many["runs"]) - int(few["runs"])
    run_ms = 1000 * (float(many["total_s"]) - float(few["total_s"])) / runs
    return _NAMES[few["engine"]], short(float(many["first_s"]), 2), short(run_ms)
