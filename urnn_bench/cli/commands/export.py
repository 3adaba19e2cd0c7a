"""``urnn-bench export``: what the records hold as one tidy table for another program."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from urnn_bench.cli.display.output import csv_text, echo_block, echo_err
from urnn_bench.cli.extras import require
from urnn_bench.cli.options.filters import All, Models, ResultsFolders, Wheres
from urnn_bench.cli.options.paths import PathOf
from urnn_bench.cli.options.shared import FOLDERS, OUTPUT, Benchmark, Lengths
from urnn_bench.cli.sources import Request, filters_of, selected_runs
from urnn_bench.errors import NothingToShowError, RecordsError
from urnn_bench.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from urnn_bench.analysis.results import Results


class Content(StrEnum):
    """What is exported, one row for each."""

    curves = "curves"
    probes = "probes"
    scores = "scores"
    runs = "runs"


_FRAMES: "dict[Content, Callable[[Results], pd.DataFrame]]" = {
    Content.curves: lambda results: results.metrics,
    Content.probes: lambda results: results.probes,
    Content.scores: lambda results: results.scores,
    Content.runs: lambda results: results.runs,
}


def export(
    benchmark: Benchmark = None,
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    show_all: All = False,
    results: ResultsFolders = None,
    content: Annotated[
        Content,
        typer.Option(
            "--content",
            help="A row for each value over training, probe reading, test score or run.",
            rich_help_panel=OUTPUT,
        ),
    ] = Content.curves,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--csv",
            parser=PathOf("--out"),
            metavar="FILE.csv",
            help="Write CSV to this file.",
            show_default="stdout",
            rich_help_panel=FOLDERS,
        ),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(
            "--parquet",
            parser=PathOf("--parquet"),
            metavar="FILE.parquet",
            help="Write Parquet, with the type of every column, to this file.",
            show_default=False,
            rich_help_panel=FOLDERS,
        ),
    ] = None,
) -> None:
    """Write the curves of all runs as one tidy table, CSV or Parquet."""
    if parquet is not None:
        require("pyarrow", "pyarrow", "--parquet", "parquet")
    request = Request(benchmark, tuple(results or ()), filters_of(lengths, models, where, show_all))
    frame = _frame(request, content)
    if parquet is not None:
        _write(parquet, "--parquet", frame, lambda file: frame.to_parquet(file, index=False))
    if out is not None:
        text = csv_text(frame).encode()
        _write(out, "--out", frame, lambda file: file.write(text))
    elif parquet is None:
        echo_block(csv_text(frame).rstrip("\n"))


def _frame(request: Request, content: Content) -> "pd.DataFrame":
    """Return what is exported; raise NothingToShowError if there is nothing."""
    from urnn_bench.analysis.exported import joined
    from urnn_bench.analysis.results import framed

    parts = [
        _FRAMES[content](framed(runs)).assign(benchmark=runs.benchmark)
        for runs in selected_runs(request)
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        raise NothingToShowError(f"these runs have no {content.value} to export")
    return joined(parts)


def _write(
    path: Path, option: str, frame: "pd.DataFrame", write: Callable[[BinaryIO], object]
) -> None:
    try:
        write_atomically(path, write)
    except OSError as error:
        raise RecordsError(
            f"{path}: cannot be written ({error.strerror}); choose another file with {option}"
        ) from error
    echo_err(f"{path}: {len(frame):,} rows")
