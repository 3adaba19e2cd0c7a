"""``urnn-bench verify``: a paper's claims against our runs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.claims.schema import Claim, Needs, check_needs, commands, load_paper
from urnn_bench.cli.display.output import echo, echo_err, echo_folder, echo_json, echo_table
from urnn_bench.cli.parameters import DataDir, Json, Results, complete_paper
from urnn_bench.cli.sources import known
from urnn_bench.data import store
from urnn_bench.errors import GateError, NothingToShowError, UsageError
from urnn_bench.records.folder import default_results, records
from urnn_bench.registry import Components
from urnn_bench.spec.catalogue import find, names
from urnn_bench.spec.sweep import Selection, UnresolvedRun, check_benchmark, drafts

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict


class Report(StrEnum):
    """Formats of the verdicts."""

    text = "text"
    markdown = "markdown"


def verify(
    paper: Annotated[
        str,
        typer.Argument(
            metavar="PAPER",
            autocompletion=complete_paper,
            help="A name from 'urnn-bench list papers', or a YAML file of claims.",
        ),
    ],
    run: Annotated[
        bool,
        typer.Option("--run", help="First make the missing runs, as long as their benchmarks say."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the claims that a laptop decides in minutes.")
    ] = False,
    format_: Annotated[Report, typer.Option("--format", help="How to write it.")] = Report.text,
    results: Results = None,
    data_dir: DataDir = None,  # noqa: ARG001  its callback has told the data layer
    json: Json = False,
) -> None:
    """Say which of a paper's claims our runs reproduce, and which they do not."""
    from urnn_bench.claims.controls import judge_controlled

    checked = load_paper(paper)
    folder = results or default_results()
    chosen = {n: c for n, c in checked.claims.items() if not quick or n in checked.quick}
    if not chosen:
        raise UsageError(f"the claims of '{paper}' name none as 'quick'; leave out --quick")
    if results and not results.is_dir() and not run:
        raise NothingToShowError(f"{results}: there is no such folder of records; --run makes them")
    asked = _asked(folder, chosen)
    if run:
        _make({claim.needs for claim in chosen.values()}, results)
    needed = {known(folder, claim.needs.benchmark) for claim in chosen.values()}
    runs = {benchmark: list(records(folder, benchmark)) for benchmark in needed}
    found = {
        name: (claim, judge_controlled(claim, runs[at], asked.get(at, ())))
        for name, claim in chosen.items()
        for at in [known(folder, claim.needs.benchmark)]
    }
    if json:
        echo_json([_plain(name, *pair) for name, pair in found.items()])
    else:
        _WRITERS[format_](found)
        echo_folder(results)
    _end([verdict.word for _, verdict in found.values()])


def _asked(folder: Path, claims: dict[str, Claim]) -> dict[str, list[UnresolvedRun]]:
    """Return what benchmarks ask for whose files there are, each read once.

    Refuses a claim that no run could ever answer.
    """
    files = names()
    asked = dict.fromkeys(known(folder, claim.needs.benchmark) for claim in claims.values())
    plans = {each: check_benchmark(*find(each), Selection(), ()) for each in asked if each in files}
    for name, claim in claims.items():
        if found := plans.get(known(folder, claim.needs.benchmark)):
            check_needs(name, claim.needs, found.benchmark)
    return {name: drafts(each, Selection()) for name, each in plans.items()}


def _make(needs: set[Needs], results: Path | None) -> None:
    """Make the runs of every need; those that are done are left alone.

    Raises DataError before the first of them if the data of any are missing.
    """
    from urnn_bench.cli.commands.run import run

    _check_data({need.benchmark for need in needs})
    for need in sorted(needs, key=lambda n: (n.benchmark, n.T, n.model)):
        try:
            run(
                [need.benchmark],
                [need.T],
                [*need.models, *need.controls],
                seeds=need.seeds,
                results=results,
            )
        except typer.Exit as stop:
            # a run that diverged is an answer too; one that was interrupted is not
            if stop.exit_code >= 128:
                raise


def _check_data(benchmarks: set[str]) -> None:
    from urnn_bench.tasks.base import Task

    for name in sorted(benchmarks):
        task = check_benchmark(*find(name), Selection(), ()).benchmark.task.name
        data = Components().tasks.get(task, Task).data
        if data is not None:
            store.check(data)


def _plain(name: str, claim: Claim, verdict: "Verdict") -> dict[str, Any]:
    return {
        "claim": name,
        "figure": claim.figure,
        "says": claim.says,
        "source": claim.source,
        "paper": claim.reference.model_dump(),
        "expected": claim.expect.text,
        "verdict": verdict.word,
        "ours": verdict.ours,
        "values": list(verdict.values),
        "reason": verdict.reason,
        "command": claim.needs.command,
    }


def _text(found: "dict[str, tuple[Claim, Verdict]]") -> None:
    rows = [(name, c.reference.text, v.ours, v.word) for name, (c, v) in found.items()]
    echo_table(("claim", "paper", "ours", "verdict"), rows)
    for name, (claim, verdict) in found.items():
        if verdict.word not in ("reproduced", "missing"):
            echo_err(f"{name}: {claim.says} (expected {claim.expect.text}); {verdict.reason}")
    missing = [claim.needs for claim, verdict in found.values() if verdict.word == "missing"]
    for command in commands(missing):
        echo_err(f"missing: {command}")
    if missing:
        echo_err("with --dry-run they say how long they take; verify --run makes them all")
    echo_err(
        "ours: geometric mean over seeds with its 95 % t interval (of differences the mean), every"
    )
    echo_err("seed's value where they lie far apart, or solved seeds;")
    echo_err("reproduced: every seed is within the bounds; not reproduced: none is")
    echo_err("a score within so many updates is the best on validation until then")


def _markdown(found: "dict[str, tuple[Claim, Verdict]]") -> None:
    from tabulate import tabulate

    headers = ("figure", "the paper says", "paper", "expected", "ours", "verdict")
    rows = [
        (c.figure, c.says, c.reference.text, c.expect.text, f"{v.ours}, {v.reason}", v.word)
        for c, v in found.values()
    ]
    echo(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


_WRITERS = {Report.text: _text, Report.markdown: _markdown}


def _claims(count: int) -> str:
    return "one claim" if count == 1 else f"{count} claims"


def _end(words: list[str]) -> None:
    """Exit with 4 if a claim is contradicted, with 5 if one is undecided."""
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    echo_err(f"claims: {said}")
    if "not reproduced" in counts:
        raise GateError(f"our runs contradict {_claims(counts['not reproduced'])}")
    if others := len(words) - counts.get("reproduced", 0):
        raise NothingToShowError(f"{_claims(others)} not decided by our runs")
