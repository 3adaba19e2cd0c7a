"""``urnn-bench merge``: runs that were trained elsewhere, in one results folder."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo_err, echo_rows
from urnn_bench.cli.options.paths import PathOf
from urnn_bench.cli.options.shared import EXECUTION, Results
from urnn_bench.errors import DamagedRecordError, NothingToShowError, RecordsError, UsageError
from urnn_bench.records import trials
from urnn_bench.records.folder import default_results, folder_of, make_writable, records
from urnn_bench.records.merging import Outcome, merge_run


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(
            parser=PathOf("FOLDER"),
            metavar="FOLDER",
            help="Results folders whose runs are copied; they are not changed.",
        ),
    ],
    results: Results = None,
    newer: Annotated[
        bool,
        typer.Option(
            "--newer",
            help="Where a run has not ended in one of two folders, keep the one that is further.",
            rich_help_panel=EXECUTION,
        ),
    ] = False,
) -> None:
    """Copy the runs of other results folders into one; overwrite nothing there."""
    into = results or default_results()
    _check_folders(folders, into)
    make_writable(into)
    rows: list[TableRow] = []
    conflicts = 0
    for folder in folders:
        outcomes = Counter(_merged(folder, into, newer))
        conflicts += outcomes[Outcome.CONFLICT]
        rows.append({"folder": str(folder), **{name.value: outcomes[name] for name in Outcome}})
    echo_rows(rows)
    if conflicts:
        text = "one differs" if conflicts == 1 else f"{conflicts} differ"
        raise RecordsError(f"{text} in two folders, as said above; neither was changed")


def _check_folders(folders: Sequence[Path], into: Path) -> None:
    """Raise UsageError for a folder that is not there, and for one that is merged into itself."""
    for folder in folders:
        if not folder.is_dir():
            raise NothingToShowError(f"{folder}: there is no such folder of records")
        if folder.resolve() == into.resolve():
            raise UsageError(f"{folder}: is the folder that runs are copied to; give others")


def _merged(folder: Path, into: Path, newer: bool) -> Iterator[Outcome]:
    """Yield what became of each run of a folder."""
    found = records(folder)
    if not found:
        echo_err(f"{folder}: has no records")
    for source, record in found:
        try:
            outcome = merge_run(source, record, into, newer=newer)
        except DamagedRecordError as error:
            # the other runs can be copied
            echo_err(str(error))
            yield Outcome.CONFLICT
            continue
        if outcome is Outcome.CONFLICT:
            echo_err(_conflict(source, folder_of(into, record.run)))
        yield outcome
    for benchmark in dict.fromkeys(record.run.benchmark for _, record in found):
        paths = trials.path_of(folder, benchmark), trials.path_of(into, benchmark)
        for trial in trials.merge(*paths):
            echo_err(
                f"{' and '.join(map(str, paths))} differ in trial {trial.trial} of '{trial.label}'"
            )
            yield Outcome.CONFLICT


def _conflict(source: Path, target: Path) -> str:
    return f"{source} and {target} differ; compare them, and remove the one that is wrong"
