"""All checks of a user's figure, on the records of a few updates, and what each of them finds."""

from pathlib import Path
from tempfile import TemporaryDirectory

from urnn_bench.analysis.results import Results, load
from urnn_bench.cli.display.plain import QuietDisplay
from urnn_bench.figures._drawing import check_drawing
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Components
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.checks import Checks, default_options
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import Backend
from urnn_bench.run.file_check import CheckedKind
from urnn_bench.run.matrix import matrix
from urnn_bench.run.module_contract import warn_of_misspelt
from urnn_bench.run.scheduler import execute_matrix
from urnn_bench.spec.overrides import Override
from urnn_bench.spec.sweep import Selection

# the records that a figure is drawn of
_BENCHMARK = "smoke"
_SHORT = Override(("fit", "steps"), 10)
_SELECTION = Selection(models=("rnn",), seeds=(0, 1), settings=(_SHORT,))


def check_figure(checks: Checks, _: Components, kind: type[Figure]) -> None:
    """Check a figure on the records of two short runs."""
    name = checks.name
    checks.run(warn_of_misspelt, "figure", name, kind, Figure)
    for options in checks.run(default_options, kind.Options):
        for figure in checks.run(raised_by, f"the figure '{name}' cannot be built", kind, options):
            with TemporaryDirectory() as folder:
                path = Path(folder)
                checks.run(check_drawing, name, figure, _trained(path), path)


def _trained(folder: Path) -> Results:
    """Return the records of two short runs."""
    components = Components()
    requested = matrix(components, [_BENCHMARK], _SELECTION, results=folder)
    options = ExecutionOptions(components, Backend("cpu", "auto"), folder)
    for _ in execute_matrix([(run,) for run in requested.runs], options, QuietDisplay()):
        pass
    return load(folder, _BENCHMARK)


FIGURE = CheckedKind(Figure, check_figure)
