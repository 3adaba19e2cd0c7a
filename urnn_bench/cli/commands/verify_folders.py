"""Which records ``urnn-bench verify`` judges: the user's, else those that a checkout comes with."""

from collections.abc import Iterable
from os import path
from pathlib import Path

from urnn_bench.records.folder import default_results
from urnn_bench.spec import catalogue

# below the folder of the benchmarks' own records
_COMMITTED = "results/paper"


def committed_records(paper: str) -> Path | None:
    """Return the folder of a paper's records in a checkout; an installed package has none."""
    file = catalogue.claims().get(paper)
    if file is None:
        return None
    # above benchmarks/claims
    folder = file.parents[2] / _COMMITTED / paper
    return Path(path.relpath(folder)) if folder.is_dir() else None


def lacks_runs_of(benchmarks: Iterable[str]) -> bool:
    """Return whether the default folder has no records of any of some benchmarks."""
    folder = default_results()
    return not any((folder / name).is_dir() for name in benchmarks)
