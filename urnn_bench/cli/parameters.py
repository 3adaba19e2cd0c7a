"""Arguments and options that several commands share, and what the shell completes them with."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.data.store import DATA
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue


class Device(StrEnum):
    """Devices that can be asked for."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def complete_benchmark(start: str) -> list[str]:
    """Return the benchmarks whose names begin with ``start``."""
    return [name for name in catalogue.names() if name.startswith(start)]


def complete_model(start: str) -> list[str]:
    """Return the models whose names begin with ``start``."""
    return [name for name in Components().cells.names() if name.startswith(start)]


def complete_figure(start: str) -> list[str]:
    """Return the figures whose names begin with ``start``."""
    return [name for name in Components().figures.names() if name.startswith(start)]


def complete_paper(start: str) -> list[str]:
    """Return the papers whose names begin with ``start``."""
    return [name for name in catalogue.claims() if name.startswith(start)]


def complete_name(start: str) -> list[str]:
    """Return everything that can be described and begins with ``start``."""
    kinds = Components()
    known = {
        *catalogue.names(),
        *kinds.cells.names(),
        *kinds.tasks.names(),
        *kinds.figures.names(),
        *kinds.probes.names(),
        *catalogue.claims(),
    }
    return sorted(name for name in known if name.startswith(start))


def complete_task(start: str) -> list[str]:
    """Return the tasks whose names begin with ``start``."""
    return [name for name in Components().tasks.names() if name.startswith(start)]


def _use(folder: Path | None) -> Path | None:
    """Let this process, and those it starts, look for data in a folder."""
    if folder is not None:
        os.environ[DATA] = str(folder.expanduser().absolute())
    return folder


Benchmark = Annotated[
    str | None,
    typer.Argument(
        help="A benchmark; all that have records if not given.", autocompletion=complete_benchmark
    ),
]
Lengths = Annotated[
    list[int] | None,
    typer.Option("--T", min=1, metavar="N", help="Only this length; repeat. [default: all]"),
]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="DIR",
        help="Folder of the records [default: $URNN_BENCH_RESULTS or results]",
    ),
]
Include = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE.py", help="A cell, task, figure or probe of your own."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        callback=_use,
        envvar=DATA,
        show_envvar=False,
        help=f"Folder of the data sets [default: ${DATA} or the user's cache]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
