"""The options of ``urnn-bench search``."""

from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.numbers import whole_number
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import SELECTION, TRAINING

_LARGEST_SEED = 2**31 - 1
_MOST_TRIALS = 100_000

Benchmark = Annotated[
    str,
    typer.Argument(
        parser=NameOrPathOf("BENCHMARK"),
        metavar="BENCHMARK",
        help="A name from 'urnn-bench list', or a YAML file, with a section 'search'.",
        autocompletion=complete_benchmark,
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        "--trials",
        parser=whole_number(1, _MOST_TRIALS),
        metavar="N",
        help="Number of trials in all; those that are recorded are not trained again.",
        show_default="as the benchmark says",
        rich_help_panel=SELECTION,
    ),
]
Random = Annotated[
    bool,
    typer.Option(
        "--random",
        help="Draw every trial at random, to compare with; TPE proposes it otherwise.",
        rich_help_panel=SELECTION,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        parser=whole_number(0, _LARGEST_SEED),
        metavar="N",
        help="Seed of the proposals; that of the training is in the benchmark.",
        rich_help_panel=SELECTION,
    ),
]
Length = Annotated[
    int | None,
    typer.Option(
        "--T",
        parser=whole_number(1),
        metavar="N",
        help="Sequence length T, as the task defines it.",
        show_default="that of the benchmark",
        rich_help_panel=SELECTION,
    ),
]
Updates = Annotated[
    int | None,
    typer.Option(
        "--updates",
        parser=whole_number(1),
        metavar="N",
        help="Number of updates of a trial that ends at the last rung.",
        show_default="fit.steps of the benchmark",
        rich_help_panel=TRAINING,
    ),
]
