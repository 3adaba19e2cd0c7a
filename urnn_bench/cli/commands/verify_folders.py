"""Which records ``urnn-bench verify`` judges: the user's, and those that a checkout comes with."""

from collections.abc import Iterable, Mapping
from os import path
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.cli.display.output import echo_err
from urnn_bench.records.folder import default_results
from urnn_bench.spec import catalogue

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict

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


def has_runs_of(folder: Path, benchmarks: Iterable[str]) -> bool:
    """Return whether a folder has records of any of some benchmarks."""
    return any((folder / name).is_dir() for name in benchmarks)


def merge(own: "Mapping[str, Verdict]", committed: "Mapping[str, Verdict]") -> "dict[str, Verdict]":
    """Return the user's verdict on every claim that the user's runs decide, else the other one."""

    def better(verdict: "Verdict", other: "Verdict") -> "Verdict":
        return other if verdict.insufficient and other.word != "missing" else verdict

    return {name: better(verdict, committed[name]) for name, verdict in own.items()}


def echo_folders(own: "Mapping[str, Verdict]", committed: Path, has_own: bool) -> None:
    """Write which folder judged how many claims, and how to read one of them alone."""
    mine = default_results()
    count = sum(not verdict.insufficient for verdict in own.values())
    if not has_own:
        echo_err(f"records: {committed}, as {mine} has none of this paper")
        return
    claims = f"{count} of {len(own)} claims"
    alone = f"--results {mine} or --results {committed} reads one of them alone"
    echo_err(f"records: {mine} decides {claims}, {committed} judges the others; {alone}")


def elsewhere(paper: str, read: Path, benchmarks: Iterable[str]) -> str:
    """Return "; results/paper/NAME has records of this paper" if a folder not read has some."""
    folders = [folder for folder in (committed_records(paper), default_results()) if folder]
    benchmarks = tuple(benchmarks)
    others = [f for f in folders if f.resolve() != read.resolve() and has_runs_of(f, benchmarks)]
    return f"; --results {others[0]} has records of this paper" if others else ""
