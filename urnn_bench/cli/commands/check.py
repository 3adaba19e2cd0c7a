"""``urnn-bench check``: every component of a user's file, and what is wrong with each."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.cli.display.output import echo, echo_err, echo_json
from urnn_bench.cli.options.paths import PathOf
from urnn_bench.cli.options.shared import DataDir, Json, use_data
from urnn_bench.errors import UsageError

if TYPE_CHECKING:
    from urnn_bench.run.checks import Checks

Files = Annotated[
    list[Path],
    typer.Argument(
        parser=PathOf("FILE.py"),
        metavar="FILE.py",
        help="Files of your own cells, tasks, readouts, figures, probes or units.",
        show_default=False,
    ),
]


def check(files: Files, data_dir: DataDir = None, json: Json = False) -> None:
    """Check your own components as before training, and tell all that is wrong with them."""
    from urnn_bench.cli.figure_check import FIGURE
    from urnn_bench.registry import Components
    from urnn_bench.run.file_check import KINDS, check_file
    from urnn_bench.run.resolve import include

    use_data(data_dir)
    kinds, components = {**KINDS, "figure": FIGURE}, Components()
    found = [checks for path in files for checks in check_file(components, path, kinds)]
    if json:
        echo_json([_document(checks) for checks in found])
    else:
        _show(found)
    if any(checks.faults for checks in found):
        raise typer.Exit(UsageError.exit_code)
    # whatever else --include refuses, such as a name that is taken
    include(components, files)


def _show(found: "Sequence[Checks]") -> None:
    for checks in found:
        if not checks.faults:
            echo(f"{checks.name} ({checks.kind}): passes {checks.passed} checks")
        for fault in checks.faults:
            echo_err(f"urnn-bench: error: {fault.text}")
            for frame in fault.frames:
                echo_err(f"  {frame}")


def _document(checks: "Checks") -> dict[str, object]:
    faults = [{"text": f.text, "lines": list(map(str, f.frames))} for f in checks.faults]
    return {"name": checks.name, "kind": checks.kind, "passed": checks.passed, "faults": faults}
