"""The commands of ``urnn-bench``; a command's module is imported when the command runs."""

from typing import Annotated

import typer

from urnn_bench import __version__
from urnn_bench.cli.command import CommandSpec, Group, KernelsCommand, RunCommand
from urnn_bench.cli.display.log import show_log
from urnn_bench.cli.display.output import echo


class UrnnBench(Group):
    """The program itself; a summary of 60 letters fits on one line of 80 columns."""

    specs = {
        "run": CommandSpec(
            "run", "Train the runs of benchmarks that are not done yet.", RunCommand
        ),
        "search": CommandSpec("search", "Search for values of a model's keys, on validation."),
        "prepare": CommandSpec("prepare", "Fetch and verify the data sets that tasks read."),
        "list": CommandSpec(
            "list:list_", "List benchmarks, models, tasks, figures, probes and papers."
        ),
        "describe": CommandSpec("describe", "Describe a benchmark, a component or a paper."),
        "new": CommandSpec("new", "Write a file of your own to begin with."),
        "check": CommandSpec("check", "Check your own components, as before training."),
        "status": CommandSpec("status", "Show every recorded run and its state."),
        "plot": CommandSpec("plot", "Draw figures from the records."),
        "table": CommandSpec("table", "Summarise the records over seeds in a table."),
        "export": CommandSpec("export", "Write the records as one tidy table."),
        "merge": CommandSpec("merge", "Copy the runs of other results folders into one."),
        "clean": CommandSpec("clean", "List failed and superseded runs, and remove them."),
        "compare": CommandSpec("compare", "Compare two models or results folders, seed by seed."),
        "verify": CommandSpec("verify", "Check a paper's claims against the records."),
        "kernels": CommandSpec(
            "kernels", "Check and time every kernel on this machine.", KernelsCommand
        ),
        "doctor": CommandSpec("doctor", "Show versions, devices, kernels and folders found here."),
    }


app = typer.Typer(
    cls=UrnnBench,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)


def _print_version(requested: bool) -> None:
    if requested:
        echo(f"urnn-bench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - its callback does what is to do
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Benchmark recurrent networks on tasks that need a long memory."""
    show_log()
