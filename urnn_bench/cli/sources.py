"""What several commands read from: the user's files and the records."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from urnn_bench.errors import NothingToShowError, UnknownNameError
from urnn_bench.records.folder import records
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue


def included(paths: Sequence[Path]) -> Components:
    """Return the registries with the user's files added; torch is loaded only if there are any."""
    if not paths:
        return Components()
    from urnn_bench.run.resolve import include

    return include(Components(), paths)


def recorded(results: Path, benchmark: str | None) -> list[str]:
    """Return the benchmark asked for by name or by path, or all that have records.

    Raises UnknownNameError with the near miss, or NothingToShowError if there are no records.
    """
    if benchmark is not None:
        return [known(results, benchmark)]
    found = list(dict.fromkeys(record.run.benchmark for _, record in records(results)))
    if not found:
        command = run_command("copy", results)
        raise NothingToShowError(f"{results}: there are no runs to show; make some with: {command}")
    return found


def run_command(asked: str, results: Path | None) -> str:
    """Return the command that makes runs of a benchmark, as it was asked for."""
    where = [] if results is None else ["--results", str(results)]
    return shlex.join(["urnn-bench", "run", asked, *where])


def known(results: Path, benchmark: str) -> str:
    """Return the name of a benchmark that has a file or records; raise UnknownNameError."""
    if Path(benchmark).is_file():
        return catalogue.find(benchmark)[0]
    if benchmark not in catalogue.names() and not (results / benchmark).is_dir():
        recorded_names = {record.run.benchmark for _, record in records(results)}
        raise UnknownNameError("benchmark", benchmark, {*recorded_names, *catalogue.names()})
    return benchmark
