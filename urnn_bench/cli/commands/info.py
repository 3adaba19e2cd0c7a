"""``urnn-bench list``, ``describe`` and ``status``: components, benchmarks and recorded runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo, echo_json, echo_rows, echo_table
from urnn_bench.cli.options.completion import complete_kind, complete_name
from urnn_bench.cli.options.shared import Benchmark, Include, Json, Results
from urnn_bench.cli.sources import benchmark_name, load_components, run_command
from urnn_bench.errors import NothingToShowError, SpecError, UnknownNameError
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, default_results, records, status_of_run
from urnn_bench.records.record import GOOD, Record
from urnn_bench.registry import Registry
from urnn_bench.spec import catalogue
from urnn_bench.spec.load import read


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="Only benchmarks, models, tasks, figures, probes or papers.",
            autocompletion=complete_kind,
        ),
    ] = None,
    include: Include = None,
    json: Json = False,
) -> None:
    """List benchmarks, models, tasks, figures, probes and papers, with a line on each."""
    components = load_components(include or [])
    summaries: dict[str, Callable[[], dict[str, str]]] = {
        "benchmarks": lambda: _titles(catalogue.names()),
        "models": lambda: _summaries(components.cells),
        "tasks": lambda: _summaries(components.tasks),
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


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=complete_name,
            help="A name from 'urnn-bench list'.",
        ),
    ],
    include: Include = None,
    json: Json = False,
) -> None:
    """Describe a benchmark, model, task, figure, probe or paper: source, options, size."""
    from urnn_bench.cli.commands import describe

    descriptions = describe.describe(load_components(include or []), name)
    if json:
        echo_json(descriptions)
        return
    echo("\n\n".join(map(describe.text, descriptions)))


def status(benchmark: Benchmark = None, results: Results = None, json: Json = False) -> None:
    """Show every recorded run and its state."""
    folder = results or default_results()
    name = benchmark_name(folder, benchmark) if benchmark else None
    sorted_records = sorted(records(folder, name), key=lambda pair: _sort_key(pair[1]))
    rows = [_status(path, record) for path, record in sorted_records]
    if json:
        echo_json(rows)
        return
    if not rows:
        command = run_command(benchmark or "copy", results)
        raise NothingToShowError(f"{folder}: there are no runs yet; train some with: {command}")
    echo_rows([_narrow(row) for row in rows])


def _sort_key(record: Record) -> tuple[str, int, str, int]:
    run = record.run
    return run.benchmark, run.T, run.label, run.seed


def _narrow(row: TableRow) -> TableRow:
    """Return a row that fits into 80 columns; the run's name contains model, T and seed."""
    return {
        "benchmark": row["benchmark"],
        "run": row["run"],
        "state": row["state"],
        "updates": f"{row['update']}/{row['of']}",
        "per s": row["updates_per_s"],
        "test": row["test"],
        "reason": "" if row["state"] in GOOD else row["reason"],
    }


def _titles(files: dict[str, Path]) -> dict[str, str]:
    return {name: _title(path) for name, path in files.items()}


def _title(path: Path) -> str:
    try:
        return str(read(path).mapping.get("title", ""))
    except SpecError as error:
        return f"cannot be read: {error}"


def _summaries(registry: Registry) -> dict[str, str]:
    return {name: registry.summary(name) for name in registry.names()}


def _status(folder: Path, record: Record) -> TableRow:
    state = status_of_run(folder).status
    measured = metrics.read(folder / METRICS) if state in ("running", "interrupted") else []
    # while a run is in progress its metrics are ahead of its record, later they may be behind
    step = max(record.steps_done, measured[-1].step if measured else 0)
    pace = record.steps_done / record.train_s if record.train_s else None
    return {
        "benchmark": record.run.benchmark,
        "model": record.run.label,
        "T": record.run.T,
        "seed": record.run.seed,
        "state": state,
        "update": step,
        "of": record.run.fit.steps,
        "updates_per_s": pace,
        "test": (record.test or {}).get(record.criterion),
        "reason": record.reason,
        "run": folder.name,
    }
