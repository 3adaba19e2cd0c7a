"""The commands of ``urnn-bench``; each body imports what it needs, so that help is quick."""

from typing import Annotated

import typer

from urnn_bench import __version__
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
    help="Benchmarks of recurrent networks on tasks that need a long memory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"urnn-bench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Benchmarks of recurrent networks on tasks that need a long memory."""


app.command("run")(run.run)
app.command("prepare")(prepare.prepare)
app.command("list")(info.list_)
app.command("describe")(info.describe)
app.command("status")(info.status)
app.command("plot")(report.plot)
app.command("table")(report.table)
app.command("compare")(compare.compare)
app.command("verify")(verify.verify)
app.command("kernels")(kernels.kernels)
app.command("doctor")(doctor.doctor)
