"""The options of commands that read records: which runs they show."""

from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_model
from urnn_bench.cli.options.paths import PathOf
from urnn_bench.cli.options.shared import FOLDERS, SELECTION

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=complete_model,
        help="Only this model, or this label of a table; several as urnn,lstm, or repeated.",
        show_default="all",
        rich_help_panel=SELECTION,
    ),
]
Wheres = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only runs with this setting, such as optimizer=adam or updates=400; repeatable.",
        rich_help_panel=SELECTION,
    ),
]
All = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Also show runs that were trained before the benchmark's file was changed.",
        rich_help_panel=SELECTION,
    ),
]
ResultsFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--results",
        parser=PathOf("--results"),
        metavar="DIR",
        help="Folder of the records; repeatable, to show several in one.",
        show_default="$URNN_BENCH_RESULTS or results",
        rich_help_panel=FOLDERS,
    ),
]
