"""``urnn-bench list``: components, benchmarks and papers."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.display.output import echo_json, echo_table
from urnn_bench.cli.options.completion import complete_kind
from urnn_bench.cli.options.shared import Include, Json
from urnn_bench.cli.sources import load_components
from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.registry import Registry
from urnn_bench.spec import catalogue
from urnn_bench.spec.load import read


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="Only benchmarks, models, units, tasks, readouts, figures, probes or papers.",
            autocompletion=complete_kind,
        ),
    ] = None,
    include: Include = None,
    json: Json = False,
) -> None:
    """List benchmarks, models, units, tasks, readouts, figures, probes and papers, one a line."""
    components = load_components(include or [])
    summaries: dict[str, Callable[[], dict[str, str]]] = {
        "benchmarks": lambda: _titles(catalogue.names()),
        "models": lambda: _summaries(components.cells),
        "units": lambda: _summaries(components.units),
        "tasks": lambda: _summaries(components.tasks),
        "readouts": lambda: _summaries(components.readouts),
        "figures": lambda: _summaries(components.figures),
        "probes": lambda: _summaries(components.probes),
        "papers": lambda: _titles(catalogue.claims()),
    }
    if kind and kind not in summaries:
        raise UnknownNameError("kind", kind, summaries)
    by_kind = {k: summaries[k]() for k in ([kind] if kind else summaries)}
    if json:
        echo_json(by_kind)
        return
    rows = [(k, name, text) for k, items in by_kind.items() for name, text in items.items()]
    echo_table(("kind", "name", "summary"), rows)


def _titles(files: dict[str, Path]) -> dict[str, str]:
    return {name: _title(path) for name, path in files.items()}


def _title(path: Path) -> str:
    try:
        return str(read(path).mapping.get("title", ""))
    except SpecError as error:
        return f"cannot be read: {error}"


def _summaries(registry: Registry) -> dict[str, str]:
    return {name: registry.summary(name) for name in registry.names()}
