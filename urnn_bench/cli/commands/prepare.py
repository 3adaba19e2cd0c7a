"""``urnn-bench prepare``: the data sets that tasks read, fetched and verified."""

from pathlib import Path
from typing import Annotated, Any

import typer

from urnn_bench.cli.display.output import echo_err, echo_json, echo_table
from urnn_bench.cli.parameters import DataDir, Include, Json, complete_task
from urnn_bench.cli.sources import included
from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError, UnknownNameError
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark


def prepare(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK",
            help="Tasks, benchmarks or data sets; all if not given.",
            autocompletion=complete_task,
        ),
    ] = None,
    data_dir: DataDir = None,  # noqa: ARG001  its callback has told the data layer
    include: Include = None,
    json: Json = False,
) -> None:
    """Fetch the data that tasks read, verify them, and say where they lie."""
    from urnn_bench.data import fetch

    rows: list[dict[str, Any]] = []
    failed: list[DataError] = []
    for data in _chosen(included(include or []), tasks or []):
        try:
            rows.extend(_row(data, *found) for found in fetch.prepare(data, echo_err))
        except DataError as error:
            failed.append(error)
    if json:
        echo_json(rows)
    elif rows:
        echo_table(("data", "state", "MB", "file"), [tuple(row.values()) for row in rows])
    for each in failed[:-1]:
        echo_err(str(each))
    if failed:
        raise failed[-1]


def _row(data: DataSet, path: Path, fetched: bool) -> dict[str, Any]:
    state, size_mb = "fetched" if fetched else "verified", path.stat().st_size / 2**20
    return {"data": data.name, "state": state, "size_mb": size_mb, "file": str(path)}


def _chosen(components: Components, names: list[str]) -> list[DataSet]:
    """Return the data sets of tasks or benchmarks, each once; all there are if none is named.

    Raises UnknownNameError with the near miss.
    """
    from urnn_bench.tasks.base import Task

    registry = components.tasks
    known: dict[str, DataSet | None] = {n: registry.get(n, Task).data for n in registry.names()}
    known |= {data.name: data for data in known.values() if data is not None}
    names = [_task(name) if name not in known else name for name in names]
    if unknown := [name for name in names if name not in known]:
        raise UnknownNameError("task", unknown[0], {*known, *catalogue.names()})
    for name in names:
        if known[name] is None:
            echo_err(f"{name}: nothing to fetch, its data are drawn or brought")
    wanted = (known[name] for name in names or known)
    return list(dict.fromkeys(data for data in wanted if data is not None))


def _task(name: str) -> str:
    """Return the task of a benchmark; any other name as it is."""
    if name not in catalogue.names():
        return name
    return check_benchmark(*catalogue.find(name), Selection(), ()).benchmark.task.name
