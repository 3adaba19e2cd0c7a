"""``urnn-bench list``, ``describe`` and ``status``: what there is and how it stands."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from urnn_bench.cli.display.output import echo, echo_json, echo_table
from urnn_bench.cli.parameters import Benchmark, Include, Json, Results, complete_name
from urnn_bench.cli.sources import included, known, run_command
from urnn_bench.errors import NothingToShowError, SpecError
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, default_results, records, status_of_run
from urnn_bench.records.record import GOOD, Record
from urnn_bench.registry import Components, Registry
from urnn_bench.spec import catalogue
from urnn_bench.spec.load import read


class Kind(StrEnum):
    """What can be listed."""

    benchmarks = "benchmarks"
    models = "models"
    tasks = "tasks"
    figures = "figures"
    probes = "probes"
    papers = "papers"


def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind.")] = None, json: Json = False
) -> None:
    """List benchmarks, models, tasks, figures, probes and papers with a line on each."""
    components = Components()
    summaries: dict[Kind, Callable[[], dict[str, str]]] = {
        Kind.benchmarks: _benchmarks,
        Kind.models: lambda: _summaries(components.cells),
        Kind.tasks: lambda: _summaries(components.tasks),
        Kind.figures: lambda: _summaries(components.figures),
        Kind.probes: lambda: _summaries(components.probes),
        Kind.papers: _papers,
    }
    wanted = [kind] if kind else list(summaries)
    found = {each.value: summaries[each]() for each in wanted}
    if json:
        echo_json(found)
        return
    rows = [(k, name, text) for k, items in found.items() for name, text in items.items()]
    echo_table(("kind", "name", "what it is"), rows)


def describe(
    name: Annotated[str, typer.Argument(autocompletion=complete_name)],
    include: Include = None,
    json: Json = False,
) -> None:
    """Say what a benchmark, model, task, figure, probe or paper is: source, options, size."""
    from urnn_bench.cli.commands import describe

    found = describe.describe(included(include or []), name)
    if json:
        echo_json(found)
        return
    echo("\n\n".join(describe.text(each) for each in found))


def status(benchmark: Benchmark = None, results: Results = None, json: Json = False) -> None:
    """Show every recorded run and how it stands."""
    folder = results or default_results()
    name = known(folder, benchmark) if benchmark else None
    found = sorted(records(folder, name), key=lambda pair: _place(pair[1]))
    rows = [_status(path, record) for path, record in found]
    if json:
        echo_json(rows)
        return
    if not rows:
        what = run_command(benchmark or "copy", results)
        raise NothingToShowError(f"{folder}: there are no runs yet; make some with: {what}")
    narrow = [_for_people(row) for row in rows]
    echo_table(list(narrow[0]), [list(row.values()) for row in narrow])


def _place(record: Record) -> tuple[str, int, str, int]:
    run = record.run
    return run.benchmark, run.T, run.label, run.seed


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row narrow enough for 80 columns; the run's name says model, T and seed."""
    return {
        "benchmark": row["benchmark"],
        "run": row["run"],
        "state": row["state"],
        "updates": f"{row['update']}/{row['of']}",
        "per s": row["updates_per_s"],
        "test": row["test"],
        "reason": "" if row["state"] in GOOD else row["reason"],
    }


def _benchmarks() -> dict[str, str]:
    return {name: _title(path) for name, path in catalogue.names().items()}


def _papers() -> dict[str, str]:
    return {name: _title(path) for name, path in catalogue.claims().items()}


def _title(path: Path) -> str:
    try:
        return str(read(path).mapping.get("title", ""))
    except SpecError as error:
        return f"cannot be read: {error}"


def _summaries(registry: Registry) -> dict[str, str]:
    return {name: registry.summary(name) for name in registry.names()}


def _status(folder: Path, record: Record) -> dict[str, Any]:
    state = status_of_run(folder).status
    rows = metrics.read(folder / METRICS) if state in ("running", "interrupted") else []
    # scores are ahead of the record while it runs, and behind it once it was put aside
    step = max(record.steps_done, rows[-1].step if rows else 0)
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
