"""``urnn-bench export``: what the records hold as one tidy table for another program."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.cli.display.output import csv_text, echo_block, echo_err
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
_FIRST = ("benchmark", "run", "model", "T", "seed")


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
            parser=PathOf("--out"),
            metavar="FILE.csv",
            help="Write to this file.",
            show_default="stdout",
            rich_help_panel=FOLDERS,
        ),
    ] = None,
) -> None:
    """Write the curves of all runs as one tidy CSV table."""
    import pandas as pd

    from urnn_bench.analysis.results import framed

    request = Request(benchmark, tuple(results or ()), filters_of(lengths, models, where, show_all))
    parts = [
        _FRAMES[content](framed(runs)).assign(benchmark=runs.benchmark)
        for runs in selected_runs(request)
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        raise NothingToShowError(f"these runs have no {content.value} to export")
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    _write(frame[[*_FIRST, *(name for name in frame if name not in _FIRST)]], out)


def _write(frame: "pd.DataFrame", out: Path | None) -> None:
    text = csv_text(frame)
    if out is None:
        echo_block(text.rstrip("\n"))
        return
    try:
        write_atomically(out, lambda file: file.write(text.encode()))
    except OSError as error:
        raise RecordsError(
            f"{out}: cannot be written ({error.strerror}); choose another file with --out"
        ) from error
    echo_err(f"{out}: {len(frame):,} rows")
