"""``urnn-bench prepare``: fetch and verify the data sets that tasks read."""

from pathlib import Path
from typing import Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo_err, echo_json, echo_table
from urnn_bench.cli.options.completion import complete_task
from urnn_bench.cli.options.shared import DataDir, Include, Json, use_data
from urnn_bench.cli.sources import load_components
from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError, UnknownComponentError
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark


def prepare(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK",
            help="Tasks, benchmarks or data sets.",
            show_default="all",
            autocompletion=complete_task,
        ),
    ] = None,
    include: Include = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Fetch the data sets that tasks read, verify them, and show where they are."""
    from urnn_bench.data import fetch

    use_data(data_dir)
    rows: list[TableRow] = []
    errors: list[DataError] = []
    for data in _data_sets(load_components(include or []), tasks or []):
        try:
            rows.extend(_row(data, *file) for file in fetch.prepare(data, echo_err))
        except DataError as error:
            errors.append(error)
    if json:
        echo_json(rows)
    elif rows:
        echo_table(("data", "state", "MB", "file"), [list(row.values()) for row in rows])
    for failure in errors[:-1]:
        echo_err(str(failure))
    if errors:
        raise errors[-1]


def _row(data: DataSet, path: Path, fetched: bool) -> TableRow:
    state, size_mb = "fetched" if fetched else "verified", path.stat().st_size / 2**20
    return {"data": data.name, "state": state, "size_mb": size_mb, "file": str(path)}


def _data_sets(components: Components, names: list[str]) -> list[DataSet]:
    """Return the data sets of tasks or benchmarks, each once; all that have mirrors without names.

    Raises UnknownComponentError with the near miss.
    """
    from urnn_bench.tasks.base import Task

    registry = components.tasks
    by_name: dict[str, DataSet | None] = {n: registry.get(n, Task).data for n in registry.names()}
    by_name |= {data.name: data for data in by_name.values() if data is not None}
    names = [name if name in by_name else _task_of(name) for name in names]
    for name in names:
        if name not in by_name:
            raise UnknownComponentError("task", name, {*by_name, *catalogue.names()})
    for name in names:
        if by_name[name] is None:
            why = "its data are generated, part of a package, or yours to bring"
            echo_err(f"{name}: nothing to fetch: {why}")
    requested = (by_name[name] for name in names or by_name)
    # without names, what is only the user's to bring would be an error each time
    sets = (data for data in requested if data is not None and (names or data.mirrors))
    return list(dict.fromkeys(sets))


def _task_of(name: str) -> str:
    """Return the task of a benchmark; any other name unchanged."""
    if name not in catalogue.names():
        return name
    return check_benchmark(*catalogue.find(name), Selection(), ()).benchmark.task.name
