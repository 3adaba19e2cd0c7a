"""``urnn-bench run``: from benchmarks and a selection to records."""

import os
import shlex
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from urnn_bench.cli.display.output import echo_err
from urnn_bench.cli.parameters import (
    DataDir,
    Device,
    Include,
    Results,
    complete_benchmark,
    complete_model,
)
from urnn_bench.cli.signals import stoppable
from urnn_bench.registry import Components
from urnn_bench.run.matrix import Matrix, matrix
from urnn_bench.spec.overrides import Override, parse_override
from urnn_bench.spec.run import Run
from urnn_bench.spec.sweep import Selection

if TYPE_CHECKING:
    from urnn_bench.records.folder import RunStatus
    from urnn_bench.run.context import Display, ExecutionOptions

V = TypeVar("V")
_SOME_FAILED = 3


def run(
    benchmarks: Annotated[
        list[str],
        typer.Argument(
            metavar="BENCHMARK...",
            help="Names from 'urnn-bench list', or YAML files.",
            autocompletion=complete_benchmark,
        ),
    ],
    lengths: Annotated[
        list[int] | None, typer.Option("--T", min=1, metavar="N", help="Sequence length; repeat.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            autocompletion=complete_model,
            help="A model of the benchmark, or any other by name; repeat.",
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option("--seed", min=0, max=2**63 - 1, metavar="N", help="A seed; repeat."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, metavar="N", help="The seeds 0 to N-1.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Updates: --set fit.steps=N.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Sequences an update: fit.batch.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change a key of the benchmark, such as fit.optimizer.lr=1e-2; repeat.",
        ),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Look inside, at updates 0 and 100 if the benchmark has no 'probes' "
            "(--set probes.every=N for more).",
        ),
    ] = False,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    kernel: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How to compute the recurrence: auto, eager, "
            "or one that 'urnn-bench describe MODEL' lists.",
        ),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="CPU threads [default: all for kernels in C, "
            "1 for torch, for which more pay only with wide networks]",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="S",
            help="Seconds after which a run is put aside; times their number for runs at once.",
        ),
    ] = None,
    together: Annotated[
        bool | None,
        typer.Option(
            "--together/--one-by-one",
            help="Train runs that differ in seed, learning rate and the like only at once "
            "[default: as the benchmark says, else one by one]",
            show_default=False,
        ),
    ] = None,
    results: Results = None,
    data_dir: DataDir = None,  # noqa: ARG001  its callback has told the data layer
    include: Include = None,
    force: Annotated[bool, typer.Option("--force", help="Do done runs again, from zero.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the runs, their state and their time only.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object a line to stdout.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what goes wrong.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say every score.")] = False,
) -> None:
    """Train what a benchmark asks for and is not done yet; a stopped run goes on where it stood."""
    from urnn_bench.cli.commands.dry_run import preview
    from urnn_bench.records.folder import default_results, make_writable
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend, configure_torch
    from urnn_bench.run.resolve import include as include_files
    from urnn_bench.run.scheduler import check, execute_matrix

    components = include_files(Components(), include or [])
    selection = _selection(lengths, models, seed, seeds, steps, batch, settings)
    asked = matrix(components, benchmarks, selection, probe)
    runs = asked.runs
    folder = results or default_results()
    if not dry_run:
        make_writable(folder)
    backend = Backend(device.value, kernel)
    conditions = ExecutionOptions(components, backend, folder, time_limit, force)
    check(runs, conditions)
    configure_torch(threads)
    stacks = _stacks(asked, together, conditions)
    if dry_run:
        preview(stacks, conditions, json)
        return
    with stoppable() as stop, ExitStack() as stack:
        display = _display(stack, runs, json, quiet, verbose)
        states = list(execute_matrix(stacks, conditions, display, stop))
    if not quiet:
        _say_summary(runs, states, results)
    raise typer.Exit(stop.exit_code or _exit_code(states))


def _selection(
    lengths: list[int] | None,
    models: list[str] | None,
    seed: list[int] | None,
    seeds: int | None,
    steps: int | None,
    batch: int | None,
    settings: list[str] | None,
) -> Selection:
    """Collect the options that pick runs; repeated options are unions."""
    short = {("fit", "steps"): steps, ("fit", "batch"): batch}
    new = [Override(path, value) for path, value in short.items() if value is not None]
    return Selection(
        _union(lengths or []),
        _union(models or []),
        _union([*(seed or []), *range(seeds or 0)]),
        (*map(parse_override, settings or []), *new),
    )


def _union(values: list[V]) -> tuple[V, ...]:
    return tuple(dict.fromkeys(values))


def _display(
    stack: ExitStack, runs: list[Run], json: bool, quiet: bool, verbose: bool
) -> "Display":
    """Return bars for a terminal, else lines; and JSON on stdout beside them if asked for."""
    from urnn_bench.cli.display.plain import JsonDisplay, MultiDisplay, PlainDisplay, QuietDisplay
    from urnn_bench.cli.display.progress import LiveDisplay

    people: Display
    if quiet:
        people = QuietDisplay()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        people = stack.enter_context(LiveDisplay(runs, verbose))
    else:
        people = stack.enter_context(PlainDisplay(verbose))
    return MultiDisplay([people, JsonDisplay()]) if json else people


def _stacks(
    asked: Matrix, together: bool | None, conditions: "ExecutionOptions"
) -> list[tuple[Run, ...]]:
    """Return the runs that are carried out at once: each alone, if nothing else is asked for."""
    from urnn_bench.run.stacks import stacks

    wanted = asked.together if together is None else {run.benchmark for run in asked.runs}
    if together is False or not wanted:
        return [(run,) for run in asked.runs]
    alone = [(run,) for run in asked.runs if run.benchmark not in wanted]
    at_once = [run for run in asked.runs if run.benchmark in wanted]
    return [*alone, *stacks(conditions.components, conditions.backend, at_once)]


def _say_summary(runs: list[Run], states: "list[RunStatus]", results: Path | None) -> None:
    """Say how many runs ended how, and how to see them."""
    counts = Counter(state.status for state in states)
    if left := len(runs) - len(states):
        counts["not begun"] = left
    echo_err(", ".join(f"{count} {status}" for status, count in counts.items()))
    where = ["--results", str(results)] if results else []
    for name in dict.fromkeys(run.benchmark for run in runs):
        echo_err(f"see them with: {shlex.join(['urnn-bench', 'plot', name, *where])}")


def _exit_code(states: "list[RunStatus]") -> int:
    """Return 3 if a run that was asked for has ended badly, now or before."""
    from urnn_bench.records.record import GOOD

    return 0 if all(s.status in (*GOOD, "running") for s in states) else _SOME_FAILED
