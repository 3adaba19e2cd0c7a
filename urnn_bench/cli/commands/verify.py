"""``urnn-bench verify``: a paper's claims against our runs."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.claims.schema import Claim, Needs, load_paper
from urnn_bench.cli.commands.verify_claims import chosen_claims
from urnn_bench.cli.commands.verify_folders import (
    committed_records,
    echo_folders,
    elsewhere,
    has_runs_of,
    merge,
)
from urnn_bench.cli.commands.verify_judging import drafts_of, judge_claims
from urnn_bench.cli.display.explained_claim import write_explanations
from urnn_bench.cli.display.output import echo_err, echo_json
from urnn_bench.cli.display.verdicts import AnyClaim, json_row, write_markdown, write_text
from urnn_bench.cli.options.completion import complete_paper
from urnn_bench.cli.options.lists import joined, names
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import (
    EXECUTION,
    OUTPUT,
    SELECTION,
    DataDir,
    Json,
    Results,
    use_data,
)
from urnn_bench.data import store
from urnn_bench.errors import DataError, GateError, NothingToShowError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import default_results
from urnn_bench.registry import Components
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.catalogue import find
from urnn_bench.spec.catalogue import names as catalogue_names
from urnn_bench.spec.sweep import Selection, check_benchmark

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict
    from urnn_bench.data.store import DataSet

# a shell's exit codes from here on stand for a signal
_SIGNALLED = 128


class Report(StrEnum):
    """Formats of the verdicts."""

    text = "text"
    markdown = "markdown"


def verify(
    paper: Annotated[
        str,
        typer.Argument(
            parser=NameOrPathOf("PAPER"),
            metavar="PAPER",
            autocompletion=complete_paper,
            help="A name from 'urnn-bench list papers', or a YAML file of claims.",
        ),
    ],
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Only the claims that a laptop decides in minutes.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            metavar="NAME",
            parser=names,
            callback=joined,
            help="Only this claim, explained seed by seed; several as a,b, or repeated.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    run: Annotated[
        bool,
        typer.Option(
            "--run",
            help="First train the missing runs, for as many updates as their benchmarks say.",
            rich_help_panel=EXECUTION,
        ),
    ] = False,
    results: Results = None,
    data_dir: DataDir = None,
    format_: Annotated[
        Report,
        typer.Option("--format", help="Format of the verdicts.", rich_help_panel=OUTPUT),
    ] = Report.text,
    json: Json = False,
) -> None:
    """Check which of a paper's claims our runs reproduce, and which they do not."""
    use_data(data_dir)
    claims = chosen_claims(load_paper(paper), paper, quick, claim or ())
    base = _base(results, data_dir)
    if results and not results.is_dir() and not run:
        hint = _elsewhere(paper, results, claims)
        error = f"{results}: there is no such folder of records; --run creates it{hint}"
        raise NothingToShowError(error)
    verdicts = _judge(paper, claims, results, run, base)
    if json:
        echo_json([json_row(name, *verdict, base) for name, verdict in verdicts.items()])
    elif claim and format_ is Report.text:
        write_explanations(verdicts)
    else:
        _WRITERS[format_](verdicts, base)
        _echo_missing_data(verdicts)
    _end(Counter(verdict.word for _, verdict in verdicts.values()))


def _base(results: Path | None, data_dir: Path | None) -> Command:
    """Return the folders that were given, which proposed commands need too."""
    given = [None if folder is None else str(folder) for folder in (results, data_dir)]
    return Command(results=given[0], data_dir=given[1])


def _judge(
    paper: str, claims: Mapping[str, AnyClaim], results: Path | None, run: bool, base: Command
) -> "dict[str, tuple[AnyClaim, Verdict]]":
    """Return the verdicts, after training if ``run`` is true.

    Without a folder, the committed records judge what the user's own runs do not decide.
    """
    folder = results or default_results()
    on_runs = {name: c for name, c in claims.items() if isinstance(c, Claim)}
    planned = drafts_of(folder, on_runs)
    if run:
        _train({claim.needs for claim in on_runs.values()}, folder, base)
    verdicts = judge_claims(folder, claims, planned, base)
    if results and all(verdict.word == "missing" for verdict in verdicts.values()):
        echo_err(
            f"records: {folder} has none that a claim needs{_elsewhere(paper, folder, claims)}"
        )
    committed = None if results or run else committed_records(paper)
    if committed is not None:
        echo_folders(verdicts, committed, has_runs_of(folder, _benchmarks(claims)))
        verdicts = merge(verdicts, judge_claims(committed, claims, planned, base))
    return {name: (claim, verdicts[name]) for name, claim in claims.items()}


def _elsewhere(paper: str, read: Path, claims: Mapping[str, AnyClaim]) -> str:
    return elsewhere(paper, read, _benchmarks(claims))


def _benchmarks(claims: Mapping[str, AnyClaim]) -> set[str]:
    return {claim.needs.benchmark for claim in claims.values()}


def _train(all_needs: Collection[Needs], results: Path, base: Command) -> None:
    """Train the runs that claims need and that are not done yet.

    Raises DataError before the first of them if any data set is missing.
    """
    from urnn_bench.cli.reporting import Reporting
    from urnn_bench.cli.training import prepare_runs, train_runs
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend
    from urnn_bench.run.scheduler import require_writable

    for data in _data_sets({needs.benchmark for needs in all_needs}):
        store.check(data)
    options = ExecutionOptions(Components(), Backend(), results)
    for needs in sorted(all_needs, key=lambda n: (n.benchmark, n.T, n.model)):
        requested = matrix(
            options.components, [needs.benchmark], _selection(needs), results=results
        )
        options = replace(options, command=replace(base, benchmarks=requested.given))
        require_writable(requested.runs, options)
        exit_code = train_runs(prepare_runs(requested, options), options, Reporting())
        # a diverged run may decide a claim too; an interrupted one does not
        if exit_code >= _SIGNALLED:
            raise typer.Exit(exit_code)


def _selection(needs: Needs) -> Selection:
    models = dict.fromkeys((*needs.models, *needs.controls))
    return Selection((needs.T,), tuple(models), tuple(range(needs.seeds)))


def _data_sets(benchmarks: Collection[str]) -> "Iterator[DataSet]":
    """Yield the data sets that the tasks of some benchmarks read."""
    from urnn_bench.tasks.base import Task

    for name in sorted(benchmarks):
        task = check_benchmark(*find(name), Selection(), ()).benchmark.task.name
        data = Components().tasks.get(task, Task).data
        if data is not None:
            yield data


def _echo_missing_data(verdicts: "Mapping[str, tuple[AnyClaim, Verdict]]") -> None:
    """Write how to get the data sets that missing runs need and that are not here."""
    missing = {c.needs.benchmark for c, v in verdicts.values() if v.word == "missing"}
    for data in dict.fromkeys(_data_sets(missing & {*catalogue_names()})):
        try:
            store.check(data)
        except DataError as error:
            echo_err(f"missing data: {error}")


_WRITERS = {Report.text: write_text, Report.markdown: write_markdown}


def _count(number: int) -> str:
    return "one claim" if number == 1 else f"{number} claims"


def _end(counts: Counter[str]) -> None:
    """Exit with 4 if a claim is contradicted, with 5 if one is undecided."""
    echo_err(f"claims: {', '.join(f'{count} {word}' for word, count in counts.items())}")
    if contradicted := counts["not reproduced"]:
        raise GateError(f"our runs contradict {_count(contradicted)}")
    others = {word: count for word, count in counts.items() if word != "reproduced"}
    if others:
        said = (f"{_count(n)} {'is' if n == 1 else 'are'} {word}" for word, n in others.items())
        raise NothingToShowError(", ".join(said))
