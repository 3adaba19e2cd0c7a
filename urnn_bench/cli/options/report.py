"""The options of ``urnn-bench plot`` and ``table``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_figure
from urnn_bench.cli.options.lists import joined, names
from urnn_bench.cli.options.numbers import whole_number
from urnn_bench.cli.options.paths import FolderOf
from urnn_bench.cli.options.shared import FOLDERS, OUTPUT, SELECTION


class FigureFormat(StrEnum):
    """Formats of a figure."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


class TimeAxis(StrEnum):
    """How training is counted along the horizontal axis of a figure."""

    updates = "updates"
    examples = "examples"
    seconds = "seconds"


class TableFormat(StrEnum):
    """Formats of a table."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"


Figures = Annotated[
    list[str] | None,
    typer.Option(
        "--figure",
        parser=names,
        callback=joined,
        metavar="NAME",
        autocompletion=complete_figure,
        help="Only this figure; several with commas, or repeated.",
        show_default="all that the records allow",
        rich_help_panel=SELECTION,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=FolderOf("--out"),
        metavar="DIR",
        help="Folder of the figures.",
        show_default="figures/ in the benchmark's results",
        rich_help_panel=FOLDERS,
    ),
]
Formats = Annotated[
    list[FigureFormat] | None,
    typer.Option(
        "--format",
        help="Format of the figures; repeatable.",
        show_default="png",
        rich_help_panel=OUTPUT,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Test metric to summarise, such as accuracy.",
        show_default="the loss",
        rich_help_panel=SELECTION,
    ),
]
Drawn = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Draw this metric, such as accuracy, in the figures that have a choice.",
        show_default="as the benchmark says, else the loss",
        rich_help_panel=SELECTION,
    ),
]
X = Annotated[
    TimeAxis | None,
    typer.Option(
        "--x",
        help="How training is counted, in the figures that have a choice.",
        show_default="as the benchmark says",
        rich_help_panel=SELECTION,
    ),
]
Memory = Annotated[
    bool,
    typer.Option(
        "--memory",
        help="Show parameters and recurrent weights, the numbers that a step in time reads.",
        rich_help_panel=OUTPUT,
    ),
]
Trials = Annotated[
    bool,
    typer.Option(
        "--trials",
        help="Show the best trials of a search, chosen on validation, and their test scores.",
        rich_help_panel=OUTPUT,
    ),
]
Tuned = Annotated[
    bool,
    typer.Option(
        "--tuned",
        help="Show each model's settings with the lowest validation loss, and their test score.",
        rich_help_panel=OUTPUT,
    ),
]
Best = Annotated[
    int | None,
    typer.Option(
        "--best",
        parser=whole_number(1),
        metavar="K",
        help="How many trials, with --trials.",
        show_default="10",
        rich_help_panel=OUTPUT,
    ),
]
Format = Annotated[
    TableFormat,
    typer.Option("--format", help="Format of the table.", rich_help_panel=OUTPUT),
]
