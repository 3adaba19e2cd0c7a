"""``urnn-bench verify``: a paper's claims against our runs."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.claims.schema import (
    Claim,
    Needs,
    Paper,
    check_needs,
    float64_claim,
    load_paper,
)
from urnn_bench.cli.commands.verify_folders import committed_records, lacks_runs_of
from urnn_bench.cli.display.explained_claim import write_explanation
from urnn_bench.cli.display.output import echo_err, echo_json
from urnn_bench.cli.display.verdicts import AnyClaim, json_row, write_markdown, write_text
from urnn_bench.cli.options.completion import complete_paper
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
from urnn_bench.cli.sources import benchmark_name
from urnn_bench.data import store
from urnn_bench.errors import GateError, NothingToShowError, UnknownNameError, UsageError
from urnn_bench.proposals import Command
from urnn_bench.records import trials
from urnn_bench.records.folder import default_results, records
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.catalogue import find, names
from urnn_bench.spec.sweep import Selection, UnresolvedRun, check_benchmark, drafts

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict

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
        str | None,
        typer.Option(
            "--claim",
            metavar="NAME",
            help="Only this claim, explained seed by seed.",
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
    claims = _claims(load_paper(paper), paper, quick, claim)
    if not (results or run):
        results = _committed(paper, claims)
    folder = results or default_results()
    base = _base(results, data_dir)
    if results and not results.is_dir() and not run:
        raise NothingToShowError(f"{results}: there is no such folder of records; --run creates it")
    on_runs = {name: c for name, c in claims.items() if isinstance(c, Claim)}
    drafts_by_benchmark = _drafts(folder, on_runs)
    if run:
        _train({claim.needs for claim in on_runs.values()}, folder, base)
    verdicts = _judge(folder, claims, drafts_by_benchmark, base)
    if json:
        echo_json([json_row(name, *verdict, base) for name, verdict in verdicts.items()])
    elif claim and format_ is Report.text:
        write_explanation(claim, *verdicts[claim])
    else:
        _WRITERS[format_](verdicts, base)
    _end(Counter(verdict.word for _, verdict in verdicts.values()))


def _base(results: Path | None, data_dir: Path | None) -> Command:
    """Return the folders that were given, which proposed commands need too."""
    given = [None if folder is None else str(folder) for folder in (results, data_dir)]
    return Command(results=given[0], data_dir=given[1])


def _committed(paper: str, claims: Mapping[str, AnyClaim]) -> Path | None:
    """Return the folder of the committed records if the user has none of the paper, and say so."""
    folder = committed_records(paper)
    if folder is None:
        return None
    if not lacks_runs_of({claim.needs.benchmark for claim in claims.values()}):
        echo_err(f"records: {default_results()}, your own; --results {folder} judges the committed")
        return None
    echo_err(f"records: {folder}, as {default_results()} has none of this paper")
    return folder


def _claims(paper: Paper, name: str, quick: bool, claim: str | None) -> dict[str, AnyClaim]:
    """Return the selected claims; raise UnknownNameError or UsageError."""
    if claim is not None and claim not in paper.claims:
        raise UnknownNameError("claim", claim, paper.claims)
    if claim is not None:
        return {claim: paper.claims[claim]}
    claims = {key: c for key, c in paper.claims.items() if not quick or key in paper.quick}
    if not claims:
        raise UsageError(f"no claim of '{name}' is marked 'quick'; leave out --quick")
    return claims


def _drafts(folder: Path, claims: Mapping[str, Claim]) -> dict[str, list[UnresolvedRun]]:
    """Return the runs of every benchmark that has a file; refuse claims that no run can decide."""
    files = names()
    judged = [(name, each) for name, c in claims.items() for each in (c, float64_claim(c)) if each]
    benchmarks = dict.fromkeys(benchmark_name(folder, c.needs.benchmark) for _, c in judged)
    checked = {b: check_benchmark(*find(b), Selection(), ()) for b in benchmarks if b in files}
    planned = {name: drafts(b, Selection(), _cell_options) for name, b in checked.items()}
    for name, claim in judged:
        known = benchmark_name(folder, claim.needs.benchmark)
        if benchmark := checked.get(known):
            labels = {draft.label for draft in planned[known]}
            check_needs(name, claim, benchmark.benchmark, labels)
    return planned


def _cell_options(cell: str) -> Collection[str] | None:
    """Return the names of a cell's options, for a grid over them."""
    # cells need torch, which judging does not
    from urnn_bench.run.resolve import cell_options

    return cell_options(Components())(cell)


def _judge(
    folder: Path,
    claims: Mapping[str, AnyClaim],
    drafts: Mapping[str, list[UnresolvedRun]],
    base: Command,
) -> "dict[str, tuple[AnyClaim, Verdict]]":
    from urnn_bench.claims.controls import judge_controlled
    from urnn_bench.claims.search_verdicts import judge_searches

    @cache
    def runs_of(benchmark: str) -> list[tuple[Path, Record]]:
        return list(records(folder, benchmark))

    def judge(claim: Claim) -> "Verdict":
        benchmark = benchmark_name(folder, claim.needs.benchmark)
        return judge_controlled(claim, runs_of(benchmark), drafts.get(benchmark, ()), base)

    def judge_any(claim: AnyClaim) -> "Verdict":
        if isinstance(claim, Claim):
            return _with_float64(claim, judge)
        benchmark = benchmark_name(folder, claim.needs.benchmark)
        return judge_searches(claim, trials.read(trials.path_of(folder, benchmark)), base)

    return {name: (claim, judge_any(claim)) for name, claim in claims.items()}


def _with_float64(claim: Claim, judge: "Callable[[Claim], Verdict]") -> "Verdict":
    """Return the verdict, with that of the runs in float64 if there are enough."""
    verdict, other = judge(claim), float64_claim(claim)
    in_float64 = None if other is None else judge(other)
    if in_float64 is None or in_float64.insufficient:
        return verdict
    return replace(verdict, in_float64=in_float64)


def _train(all_needs: Collection[Needs], results: Path, base: Command) -> None:
    """Train the runs that claims need and that are not done yet.

    Raises DataError before the first of them if any data set is missing.
    """
    from urnn_bench.cli.training import Reporting, prepare_runs, train_runs
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend
    from urnn_bench.run.scheduler import require_writable

    _check_data({needs.benchmark for needs in all_needs})
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


def _check_data(benchmarks: Collection[str]) -> None:
    from urnn_bench.tasks.base import Task

    for name in sorted(benchmarks):
        task = check_benchmark(*find(name), Selection(), ()).benchmark.task.name
        data = Components().tasks.get(task, Task).data
        if data is not None:
            store.check(data)


_WRITERS = {Report.text: write_text, Report.markdown: write_markdown}


def _count(number: int) -> str:
    return "one claim" if number == 1 else f"{number} claims"


def _end(counts: Counter[str]) -> None:
    """Exit with 4 if a claim is contradicted, with 5 if one is undecided."""
    echo_err(f"claims: {', '.join(f'{count} {word}' for word, count in counts.items())}")
    if contradicted := counts["not reproduced"]:
        raise GateError(f"our runs contradict {_count(contradicted)}")
    if undecided := counts.total() - counts["reproduced"]:
        raise NothingToShowError(f"{_count(undecided)} not decided by our runs")
