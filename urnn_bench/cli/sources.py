"""What several commands read: the user's files and the records."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench import files
from urnn_bench.cli.benchmark_files import file_of
from urnn_bench.errors import NothingToShowError, UnknownNameError, UrnnBenchError, UsageError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import default_results, records
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.labels import split_labels

if TYPE_CHECKING:
    from urnn_bench.analysis.configurations import Configuration
    from urnn_bench.analysis.filters import Filters
    from urnn_bench.analysis.selection import Selected
    from urnn_bench.spec.settings_of import Settings

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


@dataclass(frozen=True)
class Request:
    """Which recorded runs a command shows; without a benchmark, those of all that have records."""

    benchmark: str | None = None
    results: tuple[Path, ...] = ()
    filters: "Filters" = field(default_factory=lambda: filters_of())
    include: tuple[Path, ...] = ()
    tells_folders: bool = True

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of the records."""
        return self.results or (default_results(),)


def filters_of(
    lengths: Sequence[int] | None = None,
    models: Sequence[str] | None = None,
    where: Sequence[str] | None = None,
    show_all: bool = False,
) -> "Filters":
    """Return the filters that the options of a command ask for; raise UsageError."""
    from urnn_bench.analysis.filters import Filters, parse_where

    wheres = tuple(parse_where(text) for text in where or [])
    labels = tuple(label for text in models or [] for label in split_labels(text))
    return Filters(labels, tuple(lengths or []), wheres, show_all)


def selected_runs(request: Request) -> "list[Selected]":
    """Return the records of one benchmark or of all that pass the filters.

    Raises UsageError if nothing is recorded at one of the lengths, UnknownNameError if no run has
    a setting, and NothingToShowError if none passes.
    """
    recorded = _recorded_in(request)
    _check_lengths(request.filters.lengths, recorded)
    selected: list[Selected] = []
    refused: list[UrnnBenchError] = []
    for name, runs in recorded.items():
        try:
            selected.append(_select(request, name, runs))
        except (NothingToShowError, UnknownNameError) as error:
            # of several benchmarks, one may have no such runs
            refused.append(error)
    if refused and not selected:
        raise refused[0]
    return selected


def listed_configurations(request: Request) -> "list[tuple[str, Configuration]]":
    """Return every recorded configuration that passes the filters, with its label.

    Raises UnknownNameError if no run has a setting, and NothingToShowError if there are no runs.
    """
    from urnn_bench.analysis.configurations import configurations, labels
    from urnn_bench.analysis.filters import check

    found: list[tuple[str, Configuration]] = []
    for name, runs in _recorded_in(request).items():
        given = runnable_name(request.benchmark or name, runs)
        of_benchmark = configurations(runs, file_of(given, runs))
        found += zip(labels(of_benchmark), of_benchmark, strict=True)
    settings: dict[str, list[Settings]] = {}
    for label, one in found:
        settings.setdefault(label, []).append(one.settings)
    check(request.filters, settings)
    admit = request.filters.admit
    return [(label, one) for label, one in found if admit(label, one.T, one.settings)]


def _recorded_in(request: Request) -> dict[str, list[Run]]:
    recorded: dict[str, list[Run]] = {}
    for folder in request.folders:
        for name, runs in recorded_runs(folder, request.benchmark).items():
            recorded.setdefault(name, []).extend(runs)
    return recorded


def _check_lengths(lengths: Collection[int], recorded: Mapping[str, Sequence[Run]]) -> None:
    known = sorted({record.run.T for runs in recorded.values() for _, record in runs})
    if known and (unknown := [T for T in lengths if T not in known]):
        choices = ", ".join(map(str, known))
        raise UsageError(f"no run is recorded at T = {unknown[0]}; there are: {choices}")


def _select(request: Request, name: str, runs: Sequence[Run]) -> "Selected":
    from urnn_bench.analysis.selection import select

    given = runnable_name(request.benchmark or name, runs)
    include = request.include or included_by(runs)
    command = run_command(given, next(iter(request.results), None), include)
    file = file_of(given, runs)
    return select(
        request.folders[0],
        name,
        runs,
        command,
        file,
        request.filters,
        tells_folders=request.tells_folders,
    )


def runnable_name(name: str, runs: Sequence[Run]) -> str:
    """Return a benchmark's name or file, or the file of that name that its runs were trained of."""
    if name in catalogue.names() or _is_file(name):
        return name
    words = [word for _, record in reversed(runs) for word in record.sessions[-1].argv]
    paths = (word for word in words if word.endswith((".yaml", ".yml")) and Path(word).stem == name)
    return next((word for word in paths if _is_file(word)), name)


def included_by(runs: Sequence[Run]) -> tuple[Path, ...]:
    """Return the users' files that runs were trained with, as far as they are still there."""
    own = {record.run.cell.source or record.run.task.source: record for _, record in runs}
    words = [record.sessions[-1].argv for source, record in own.items() if source]
    pairs = (pair for argv in words for pair in pairwise(argv))
    given = [value for option, value in pairs if option == _INCLUDE]
    given += [w.partition("=")[2] for argv in words for w in argv if w.startswith(f"{_INCLUDE}=")]
    return tuple(files.expanded(path) for path in dict.fromkeys(given) if _is_file(path))


_INCLUDE = "--include"


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
