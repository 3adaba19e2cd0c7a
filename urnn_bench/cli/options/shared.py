"""Arguments and options that several commands share."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.lists import joined, whole_numbers
from urnn_bench.cli.options.paths import FolderOf, NameOrPathOf, PathOf
from urnn_bench.data.store import DATA

# the panels of a command's help
SELECTION, TRAINING, EXECUTION = "Selection", "Training", "Execution"
FOLDERS, OUTPUT = "Folders", "Output"


class Device(StrEnum):
    """Devices that can be selected."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def use_data(folder: Path | None) -> None:
    """Let this process, and those it starts, read data sets from ``folder``."""
    if folder is not None:
        os.environ[DATA] = str(folder.absolute())


Benchmark = Annotated[
    str | None,
    typer.Argument(
        parser=NameOrPathOf("BENCHMARK"),
        metavar="BENCHMARK",
        help="Only this benchmark.",
        show_default="all with records",
        autocompletion=complete_benchmark,
    ),
]
Lengths = Annotated[
    list[int] | None,
    typer.Option(
        "--T",
        parser=whole_numbers(1),
        callback=joined,
        metavar="N",
        help="Only this length; several as 100,500, or repeated.",
        show_default="all",
        rich_help_panel=SELECTION,
    ),
]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        parser=FolderOf("--results"),
        metavar="DIR",
        help="Folder of the records.",
        show_default="$URNN_BENCH_RESULTS or results",
        rich_help_panel=FOLDERS,
    ),
]
Include = Annotated[
    list[Path] | None,
    typer.Option(
        "--include",
        parser=PathOf("--include"),
        metavar="FILE.py",
        help="Add your own cell, task, readout, figure, probe or unit; repeatable.",
        rich_help_panel=SELECTION,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        parser=FolderOf("--data-dir"),
        metavar="DIR",
        envvar=DATA,
        show_envvar=False,
        help="Folder of the data sets.",
        show_default=f"${DATA} or the user's cache",
        rich_help_panel=FOLDERS,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Write one JSON document to stdout.", rich_help_panel=OUTPUT),
]
