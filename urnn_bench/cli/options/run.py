"""The options of ``urnn-bench run``."""

from typing import Annotated

import typer

from urnn_bench.cli.options.completion import complete_benchmark, complete_model
from urnn_bench.cli.options.lists import joined, numbers_and_ranges, whole_numbers
from urnn_bench.cli.options.numbers import MOST_THREADS, jobs, seconds, whole_number
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import EXECUTION, OUTPUT, SELECTION, TRAINING
from urnn_bench.cli.options.shared import Device as DeviceName

_LARGEST_SEED = 2**63 - 1
_MOST_SEEDS = 100_000

Benchmarks = Annotated[
    list[str],
    typer.Argument(
        parser=NameOrPathOf("BENCHMARK"),
        metavar="BENCHMARK",
        help="Names from 'urnn-bench list', or YAML files.",
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
        help="Sequence length T, as the task defines it; several as 100,500, or repeated.",
        show_default="all of the benchmark",
        rich_help_panel=SELECTION,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=complete_model,
        help="A model of the benchmark, or any other model; several as urnn,lstm, or repeated.",
        show_default="all of the benchmark",
        rich_help_panel=SELECTION,
    ),
]
Seed = Annotated[
    list[int] | None,
    typer.Option(
        "--seed",
        parser=numbers_and_ranges(0, _LARGEST_SEED),
        callback=joined,
        metavar="N",
        help="A seed; several as 0,3,5-9, or repeated.",
        show_default="all of the benchmark",
        rich_help_panel=SELECTION,
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        parser=whole_number(1, _MOST_SEEDS),
        metavar="N",
        help="The seeds 0 to N-1.",
        rich_help_panel=SELECTION,
    ),
]
Updates = Annotated[
    int | None,
    typer.Option(
        "--updates",
        parser=whole_number(1),
        metavar="N",
        help="Number of updates; same as --set fit.steps=N.",
        rich_help_panel=TRAINING,
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch",
        parser=whole_number(1),
        metavar="N",
        help="Sequences per update; same as --set fit.batch=N.",
        rich_help_panel=TRAINING,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the benchmark, such as hidden=64; repeatable.",
        rich_help_panel=TRAINING,
    ),
]
Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Run the probes, at updates 0 and 100 unless the benchmark or "
        "--set probes.every=N says otherwise.",
        rich_help_panel=TRAINING,
    ),
]
Stacked = Annotated[
    bool | None,
    typer.Option(
        "--stacked/--no-stacked",
        help="Train runs of one shape, such as those of several seeds, in one update.",
        show_default="as the benchmark says, else no-stacked",
        rich_help_panel=TRAINING,
    ),
]
Device = Annotated[
    DeviceName,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Where to compute: auto, cpu, cuda or mps.",
        rich_help_panel=EXECUTION,
    ),
]
Kernel = Annotated[
    str,
    typer.Option(
        "--kernel",
        metavar="NAME",
        help="How to compute the recurrence: auto, eager, or a kernel that "
        "'urnn-bench describe MODEL' lists.",
        rich_help_panel=EXECUTION,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        parser=whole_number(1, MOST_THREADS),
        metavar="N",
        help="CPU threads. For torch, more than one helps only with wide networks.",
        show_default="all for kernels in C, 1 for torch",
        rich_help_panel=EXECUTION,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        parser=jobs,
        metavar="N",
        help="Processes that train runs at the same time, or auto: as many as have processors "
        "and memory, if that saves time. With --on: tasks.",
        show_default="auto",
        rich_help_panel=EXECUTION,
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="LAUNCHER",
        help="Where to train: slurm[:PROFILE], or ray[:ADDRESS].",
        show_default="this machine",
        rich_help_panel=EXECUTION,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        parser=seconds,
        metavar="S",
        help="Seconds of training after which a run is stopped, to be resumed later; "
        "for a stack, times its number of runs.",
        rich_help_panel=EXECUTION,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Train runs again that are already done.", rich_help_panel=EXECUTION
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Only show the runs, their state and how long they would take.",
        rich_help_panel=EXECUTION,
    ),
]
PrintConfig = Annotated[
    bool,
    typer.Option(
        "--print-config",
        help="Only write the benchmark, with all that is given here in it, as YAML to stdout.",
        rich_help_panel=OUTPUT,
    ),
]
JsonLines = Annotated[
    bool,
    typer.Option("--json", help="Write one JSON object a line to stdout.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", help="Report only what fails.", rich_help_panel=OUTPUT),
]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Report every validation.", rich_help_panel=OUTPUT),
]
