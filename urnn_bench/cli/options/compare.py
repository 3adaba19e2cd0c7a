"""The options of ``urnn-bench compare``."""

from typing import Annotated

import typer

from urnn_bench.cli.gate import TOLERANCE
from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.numbers import ratio
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import OUTPUT, SELECTION

A = Annotated[
    str,
    typer.Argument(parser=NameOrPathOf("A"), metavar="A", help="A model, or a results folder."),
]
B = Annotated[
    str,
    typer.Argument(
        parser=NameOrPathOf("B"), metavar="B", help="A model or folder to compare against A."
    ),
]
Benchmark = Annotated[
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
]
Gate = Annotated[
    bool,
    typer.Option(
        "--gate",
        help="Exit with 4 if B's loss is above the tolerance or a run diverged in B alone, with 5 "
        "if that is undecided.",
        rich_help_panel=OUTPUT,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        parser=ratio,
        metavar="RATIO",
        help="With --gate: how many times A's loss B's may be.",
        show_default=f"{TOLERANCE}",
        rich_help_panel=OUTPUT,
    ),
]
