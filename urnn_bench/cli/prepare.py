"""``urnn-bench prepare``: the data sets that tasks read, fetched and verified."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from urnn_bench.cli.output import emit_json, emit_table, say
from urnn_bench.cli.parameters import DataDir, Include, Json, complete_task
from urnn_bench.cli.sources import included
from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError, UnknownNameError, UsageError
from urnn_bench.registry import Components


def prepare(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK", help="Tasks, or data sets; all if not given.",
                       autocompletion=complete_task),
    ] = None,
    data_dir: DataDir = None,  # noqa: ARG001  its callback has told the data layer
    include: Include = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Fetch the data that tasks read, verify them, and say where they lie."""
    from urnn_bench.data import fetch

    rows: list[dict[str, Any]] = []
    failed: list[DataError] = []
    for data, file in _files(included(include or []), tasks or []):
        try:
            path, fetched = fetch.prepare(data, file, say)
        except DataError as error:
            failed.append(error)
            continue
        rows.append({"data": data.name, "state": "fetched" if fetched else "verified",
                     "size_mb": path.stat().st_size / 2**20, "file": str(path)})  # fmt: skip
    if json:
        emit_json(rows)
    else:
        emit_table(("data", "state", "MB", "file"), [tuple(row.values()) for row in rows])
    for each in failed[:-1]:
        say(str(each))
    if failed:
        raise failed[-1]


def _files(components: Components, names: list[str]) -> Iterator[tuple[DataSet, str]]:
    return ((data, file) for data in _chosen(components, names) for file in data.files)


def _chosen(components: Components, names: list[str]) -> list[DataSet]:
    """Return the data sets of tasks, each once; all there are if none is named.

    Raises UnknownNameError with the near miss, or UsageError for tasks that read nothing.
    """
    from urnn_bench.tasks.base import Task

    registry = components.tasks
    by_task = {name: registry.get(name, Task).data for name in registry.names()}
    known = {name: data for name, data in by_task.items() if data is not None}
    known |= {data.name: data for data in known.values()}
    if unknown := [name for name in names if name not in {*by_task, *known}]:
        raise UnknownNameError("task", unknown[0], {*by_task, *known})
    if names and not any(name in known for name in names):
        raise UsageError(f"{', '.join(names)}: nothing to prepare, the data are drawn or brought")
    return list(dict.fromkeys(known[name] for name in names or known if name in known))
