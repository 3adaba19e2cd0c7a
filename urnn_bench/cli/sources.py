"""What several commands read: the user's files and the records."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench import files
from urnn_bench.errors import NothingToShowError, UnknownNameError, UsageError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import default_results, records
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue

if TYPE_CHECKING:
    from urnn_bench.analysis.selection import Selected

Run = tuple[Path, Record]


def load_components(paths: Sequence[Path]) -> Components:
    """Return the registries with the user's files added; load torch only if there are any."""
    if not paths:
        return Components()
    from urnn_bench.run.resolve import include

    return include(Components(), paths)


def recorded_runs(results: Path, benchmark: str | None) -> dict[str, list[Run]]:
    """Return the runs of the given benchmark, or of all that have records, by its name.

    Raises UnknownNameError with the near miss, or NothingToShowError if there are no records.
    """
    if benchmark is not None:
        name = benchmark_name(results, benchmark)
        return {name: list(records(results, name))}
    runs = runs_by_benchmark(results)
    if not runs:
        command = run_command("copy", results)
        raise NothingToShowError(
            f"{results}: there are no runs to show; train some with: {command}"
        )
    return runs


def runs_by_benchmark(results: Path) -> dict[str, list[Run]]:
    """Return every recorded run by the name of its benchmark."""
    runs: dict[str, list[Run]] = {}
    for folder, record in records(results):
        runs.setdefault(record.run.benchmark, []).append((folder, record))
    return runs


def selected_runs(
    benchmark: str | None,
    lengths: list[int] | None,
    results: Path | None,
    include: list[Path] | None = None,
) -> "list[Selected]":
    """Return the records of one benchmark or of all, at some lengths or at all.

    Raises UsageError if nothing is recorded at one of the lengths.
    """
    from urnn_bench.analysis.selection import select

    folder = results or default_results()
    recorded = recorded_runs(folder, benchmark)
    commands = {
        name: run_command(runnable_name(benchmark or name, runs), results, include)
        for name, runs in recorded.items()
    }
    loaded = [select(folder, name, runs, commands[name]) for name, runs in recorded.items()]
    if not lengths:
        return loaded
    recorded_lengths = sorted({record.run.T for runs in loaded for record in runs.records})
    if unknown := [T for T in lengths if T not in recorded_lengths]:
        choices = ", ".join(map(str, recorded_lengths))
        raise UsageError(f"no run is recorded at T = {unknown[0]}; there are: {choices}")
    selected = (runs.at(lengths) for runs in loaded)
    return [runs for runs in selected if runs.records]


def runnable_name(name: str, runs: Sequence[Run]) -> str:
    """Return a benchmark's name or file, or the file of that name that its runs were trained of."""
    if name in catalogue.names() or _is_file(name):
        return name
    words = [word for _, record in reversed(runs) for word in record.sessions[-1].argv]
    paths = (word for word in words if word.endswith((".yaml", ".yml")) and Path(word).stem == name)
    return next((word for word in paths if _is_file(word)), name)


def _is_file(path: str) -> bool:
    """Return whether there is a file at a path as it was typed."""
    with suppress(OSError, ValueError):
        return files.expanded(path).is_file()
    return False


def run_command(
    benchmark: str, results: Path | None, include: Sequence[Path] | None = None
) -> Command:
    """Return the command that trains a benchmark, with the name or path that the user gave."""
    return Command(
        {benchmark: benchmark},
        results=None if results is None else str(results),
        include=tuple(map(str, include or [])),
    )


def benchmark_name(results: Path, benchmark: str) -> str:
    """Return the name of a benchmark that has a file or records; raise UnknownNameError."""
    if Path(benchmark).is_file():
        return catalogue.find(benchmark)[0]
    if benchmark not in catalogue.names() and not (results / benchmark).is_dir():
        recorded_names = {record.run.benchmark for _, record in records(results)}
        raise UnknownNameError("benchmark", benchmark, {*recorded_names, *catalogue.names()})
    return benchmark
