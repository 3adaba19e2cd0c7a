"""What several commands read: the user's files and the records."""

from collections.abc import Sequence
from pathlib import Path

from urnn_bench.errors import NothingToShowError, UnknownNameError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import records
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue


def load_components(paths: Sequence[Path]) -> Components:
    """Return the registries with the user's files added; load torch only if there are any."""
    if not paths:
        return Components()
    from urnn_bench.run.resolve import include

    return include(Components(), paths)


def recorded_benchmarks(results: Path, benchmark: str | None) -> list[str]:
    """Return the name of the given benchmark, or of all that have records.

    Raises UnknownNameError with the near miss, or NothingToShowError if there are no records.
    """
    if benchmark is not None:
        return [benchmark_name(results, benchmark)]
    names = list(dict.fromkeys(record.run.benchmark for _, record in records(results)))
    if not names:
        command = run_command("copy", results)
        raise NothingToShowError(
            f"{results}: there are no runs to show; train some with: {command}"
        )
    return names


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
