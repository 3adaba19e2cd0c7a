"""``urnn-bench clean``: remove runs that nobody will look at again."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo_err, echo_rows
from urnn_bench.cli.options.shared import EXECUTION, SELECTION, Benchmark, Results
from urnn_bench.cli.sources import Request, Run, filters_of, listed_configurations
from urnn_bench.errors import NothingToShowError, UsageError
from urnn_bench.records import trials
from urnn_bench.records.folder import default_results
from urnn_bench.records.record import FAILED_STATES
from urnn_bench.records.removal import remove_run

_FAILED, _SUPERSEDED = "failed", "superseded"


def clean(
    benchmark: Benchmark = None,
    results: Results = None,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed",
            help="Only runs that failed or ran out of memory.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    superseded: Annotated[
        bool,
        typer.Option(
            "--superseded",
            help="Only runs that were trained before the benchmark's file was changed.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", help="Remove without asking.", rich_help_panel=EXECUTION)
    ] = False,
) -> None:
    """List failed and superseded runs, and remove them once you agree."""
    folder = results or default_results()
    given = {kind for kind, is_given in ((_FAILED, failed), (_SUPERSEDED, superseded)) if is_given}
    kinds = given or {_FAILED, _SUPERSEDED}
    found = [(run, kind) for run, kind in _removable(folder, benchmark) if kind in kinds]
    if not found:
        raise NothingToShowError(f"{folder}: there are no {' or '.join(sorted(kinds))} runs")
    echo_rows([_row(run, kind) for run, kind in found])
    if not (yes or _agrees(len(found))):
        echo_err("nothing was removed")
        return
    _remove([run for run, _ in found])


def _removable(results: Path, benchmark: str | None) -> list[tuple[Run, str]]:
    """Return the runs that failed, and those of an older file, with what they are."""
    listed = listed_configurations(Request(benchmark, (results,), filters_of()))
    names = {record.run.benchmark for _, one in listed for _, record in one.runs}
    # what a search has tried is part of its record, however it ended
    kept = {
        (name, run)
        for name in names
        for trial in trials.read(trials.path_of(results, name))
        for run in trial.runs
    }
    return [
        ((folder, record), _FAILED if record.status in FAILED_STATES else _SUPERSEDED)
        for _, one in listed
        for folder, record in one.runs
        if one.is_superseded or record.status in FAILED_STATES
        if (record.run.benchmark, folder.name) not in kept
    ]


def _row(run: Run, kind: str) -> TableRow:
    folder, record = run
    return {
        "benchmark": record.run.benchmark,
        "run": folder.name,
        "why": kind,
        "updates": record.steps_done,
        "trained": f"{record.train_s / 60:.1f} min",
    }


def _agrees(count: int) -> bool:
    """Ask whether to remove so many runs; raise UsageError where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError("nothing was removed, as nobody can be asked; give --yes")
    return typer.confirm(f"Remove {count} {'runs' if count > 1 else 'run'}?", err=True)


def _remove(runs: Sequence[Run]) -> None:
    removed = 0
    for folder, _ in runs:
        if remove_run(folder):
            removed += 1
        else:
            echo_err(f"{folder}: kept, as another process is training it")
    echo_err(f"removed {removed} of {len(runs)} runs")
