"""The options of ``urnn-bench kernels``."""

from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_benchmark, complete_model
from urnn_bench.cli.options.lists import joined, names, whole_numbers
from urnn_bench.cli.options.numbers import MOST_THREADS, whole_number
from urnn_bench.cli.options.paths import NameOrPathOf, PathOf
from urnn_bench.cli.options.shared import EXECUTION, OUTPUT, SELECTION
from urnn_bench.cli.options.shared import Device as DeviceName

# the sizes that are timed unless others are requested
STEPS, HIDDEN, BATCH = 520, 128, 20

Benchmark = Annotated[
    str | None,
    typer.Argument(
        parser=NameOrPathOf("BENCHMARK"),
        metavar="BENCHMARK",
        autocompletion=complete_benchmark,
        show_default=False,
        help="Time the models and sizes of this benchmark.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        parser=names,
        callback=joined,
        metavar="NAME",
        autocompletion=complete_model,
        help="Only this model; several with commas, or repeated.",
        show_default="all",
        rich_help_panel=SELECTION,
    ),
]
Kernels = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        parser=names,
        callback=joined,
        metavar="NAME",
        help="Only this kernel; several with commas, or repeated.",
        show_default="all that can run",
        rich_help_panel=SELECTION,
    ),
]
Steps = Annotated[
    list[int] | None,
    typer.Option(
        "--steps",
        parser=whole_numbers(3),
        callback=joined,
        metavar="N",
        help="Time steps of a sequence; several as 100,500, or repeated.",
        show_default=str(STEPS),
        rich_help_panel=SELECTION,
    ),
]
Hidden = Annotated[
    list[int] | None,
    typer.Option(
        "--hidden",
        parser=whole_numbers(1),
        callback=joined,
        metavar="N",
        help="Hidden units; several as 64,128, or repeated.",
        show_default=str(HIDDEN),
        rich_help_panel=SELECTION,
    ),
]
Inputs = Annotated[
    int | None,
    typer.Option(
        "--inputs",
        parser=whole_number(4),
        metavar="N",
        help="Input features, such as the pixels of an image.",
        show_default="as the model's example has, or those of copying memory",
        rich_help_panel=SELECTION,
    ),
]
Batch = Annotated[
    list[int] | None,
    typer.Option(
        "--batch",
        parser=whole_numbers(1),
        callback=joined,
        metavar="N",
        help="Sequences per update; several as 20,50, or repeated.",
        show_default=str(BATCH),
        rich_help_panel=SELECTION,
    ),
]
Device = Annotated[
    DeviceName,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Where to compute: cpu or cuda.",
        rich_help_panel=EXECUTION,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        parser=whole_number(1, MOST_THREADS),
        metavar="N",
        help="CPU threads, also of torch.",
        show_default="all",
        rich_help_panel=EXECUTION,
    ),
]
Rounds = Annotated[
    int,
    typer.Option(
        "--rounds",
        parser=whole_number(1),
        metavar="N",
        help="How often each kernel is timed.",
        rich_help_panel=EXECUTION,
    ),
]
Profile = Annotated[
    bool,
    typer.Option(
        "--profile",
        help="Show which operations take the time of an update instead.",
        rich_help_panel=EXECUTION,
    ),
]
Forward = Annotated[
    bool,
    typer.Option(
        "--forward",
        help="Time the forward pass alone, to the last state and without gradients, instead; "
        "kernels are checked on the first 1,000 steps at most.",
        rich_help_panel=EXECUTION,
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option(
        "--peer",
        parser=names,
        callback=joined,
        metavar="NAME",
        help="With --forward, also time this library on the weights of each reservoir: reservoirpy "
        "or reservoirpy_float64; repeatable.",
        show_default=False,
        rich_help_panel=SELECTION,
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        parser=whole_number(2),
        metavar="N",
        help="Time updates of N seeds, sequential and stacked, instead.",
        rich_help_panel=EXECUTION,
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        parser=PathOf("--csv"),
        metavar="FILE",
        help="Also write all columns, the device and torch's version to this file.",
        rich_help_panel=OUTPUT,
    ),
]
