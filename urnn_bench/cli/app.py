"""The commands of ``urnn-bench``; each body imports what it needs, so that help is quick."""

from typing import Annotated

import typer

from urnn_bench import __version__
from urnn_bench.cli.command import Command, Group, KernelsCommand, RunCommand
from urnn_bench.cli.commands import (
    compare,
    doctor,
    info,
    kernels,
    prepare,
    report,
    run,
    verify,
)
from urnn_bench.cli.display.output import echo

app = typer.Typer(
    cls=Group,
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
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Benchmark recurrent networks on tasks that need a long memory."""


# a short help fits on one line of 80 columns beside the longest name: 60 letters
app.command(
    "run", cls=RunCommand, short_help="Train the runs of benchmarks that are not done yet."
)(run.run)
app.command("prepare", cls=Command, short_help="Fetch and verify the data sets that tasks read.")(
    prepare.prepare
)
app.command(
    "list", cls=Command, short_help="List benchmarks, models, tasks, figures, probes and papers."
)(info.list_)
app.command(
    "describe", cls=Command, short_help="Describe a benchmark, model, task, figure, probe or paper."
)(info.describe)
app.command("status", cls=Command, short_help="Show every recorded run and its state.")(info.status)
app.command("plot", cls=Command, short_help="Draw figures from the records.")(report.plot)
app.command("table", cls=Command, short_help="Summarise the records over seeds in a table.")(
    report.table
)
app.command(
    "compare", cls=Command, short_help="Compare two models or results folders, seed by seed."
)(compare.compare)
app.command("verify", cls=Command, short_help="Check a paper's claims against the records.")(
    verify.verify
)
app.command(
    "kernels", cls=KernelsCommand, short_help="Check and time every kernel on this machine."
)(kernels.kernels)
app.command(
    "doctor", cls=Command, short_help="Show versions, devices, kernels and folders found here."
)(doctor.doctor)
