"""``urnn-bench compare``: is one model, or one state of the code, better on the same seeds?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.cli.display.comparisons import Names, json_row, show
from urnn_bench.cli.display.output import echo_err, echo_json
from urnn_bench.cli.gate import TOLERANCE, check, json_gate
from urnn_bench.cli.missing_runs import SideOf, descriptions
from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.numbers import ratio
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import OUTPUT, SELECTION, Json, Results
from urnn_bench.cli.sources import (
    Run,
    benchmark_name,
    run_command,
    runnable_name,
    runs_by_benchmark,
)
from urnn_bench.errors import NothingToShowError, UnknownNameError, UsageError
from urnn_bench.records.folder import default_results

if TYPE_CHECKING:
    from urnn_bench.analysis.compare import Row
    from urnn_bench.analysis.gate import Judged
    from urnn_bench.records.record import Record

    _Records = tuple[list[Record], list[Record]]

_SIDE = "recorded model or results folder"


def compare(
    a: Annotated[
        str,
        typer.Argument(parser=NameOrPathOf("A"), metavar="A", help="A model, or a results folder."),
    ],
    b: Annotated[
        str,
        typer.Argument(
            parser=NameOrPathOf("B"), metavar="B", help="A model or folder to compare against A."
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            parser=NameOrPathOf("--benchmark"),
            metavar="NAME",
            autocompletion=complete_benchmark,
            help="Only this benchmark.",
            show_default="all with records",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    results: Results = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Exit with 4 if B's loss is above the tolerance, with 5 if that is undecided.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            parser=ratio,
            metavar="RATIO",
            help="With --gate: how many times A's loss B's may be.",
            show_default=f"{TOLERANCE}",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare two models, or a model's runs in two folders, seed by seed on the same data."""
    from urnn_bench.analysis import compare as analysis

    if tolerance is not None and not gate:
        raise UsageError("--tolerance says how much worse a gate lets B be; give --gate too")
    are_folders = Path(a).is_dir() and Path(b).is_dir()
    if are_folders:
        records = _load(Path(a), benchmark), _load(Path(b), benchmark)
        missing = _missing(records, (SideOf(a, Path(a)), SideOf(b, Path(b))), are_folders)
    else:
        records = _of_models(a, b, results or default_results(), benchmark)
        missing = _missing(records, (SideOf(a, results, a), SideOf(b, results, b)), are_folders)
    for sentence in missing:
        echo_err(sentence)
    rows, names = analysis.compare(*records, are_folders), Names(a, b, are_folders)
    judged = _judged(rows, tolerance or TOLERANCE) if gate else None
    if json:
        echo_json([json_row(row) for row in rows] if judged is None else json_gate(judged))
    else:
        show(rows, names)
    if judged is not None:
        echo_err(check(judged, names, is_complete=not missing))


def _missing(records: "_Records", sides: tuple[SideOf, SideOf], are_folders: bool) -> list[str]:
    """Return in words what either side lacks."""
    from urnn_bench.analysis.missing import missing

    found = missing(*records, are_folders)
    return [
        sentence
        for name, side in zip(("A", "B"), sides, strict=True)
        for sentence in descriptions([part for part in found if part.side == name], side)
    ]


def _judged(rows: "list[Row]", tolerance: float) -> "Judged":
    from urnn_bench.analysis.gate import judge

    return judge(rows, tolerance)


def _of_models(
    a: str, b: str, results: Path, benchmark: str | None
) -> "tuple[list[Record], list[Record]]":
    """Return the records of both models of a results folder."""
    runs = runs_by_benchmark(results)
    labels = {record.run.label for group in runs.values() for _, record in group}
    unknown = [name for name in (a, b) if name not in labels and not Path(name).is_dir()]
    # without any records, two unknown names may be models that are still to be trained
    if unknown and (labels or len(unknown) == 1):
        raise UnknownNameError(_SIDE, unknown[0], labels)
    loaded = _load(results, benchmark, runs)
    labels = {record.run.label for record in loaded}
    for name in (a, b):
        if name not in labels:
            raise UnknownNameError(_SIDE, name, labels)
    return (
        [record for record in loaded if record.run.label == a],
        [record for record in loaded if record.run.label == b],
    )


def _load(
    results: Path, benchmark: str | None, recorded: Mapping[str, Sequence[Run]] | None = None
) -> "list[Record]":
    """Return the records of a folder; of several settings only those requested last."""
    from urnn_bench.analysis.selection import select

    runs = runs_by_benchmark(results) if recorded is None else recorded
    names = [benchmark_name(results, benchmark)] if benchmark else list(runs)
    if not names:
        raise NothingToShowError(f"{results}: there are no runs to compare")
    commands = {
        name: run_command(runnable_name(benchmark or name, runs.get(name, ())), results)
        for name in names
    }
    selected = [select(results, name, runs.get(name, ()), commands[name]) for name in names]
    return [record for shown in selected for record in shown.records]
