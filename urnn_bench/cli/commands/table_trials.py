"""``urnn-bench table --trials``: the best trials of a benchmark's searches."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from urnn_bench.analysis.best_trials import BestRow, best_rows
from urnn_bench.cli.display.output import TableRow, echo_err, echo_json
from urnn_bench.cli.display.tables import write_table
from urnn_bench.cli.options.report import TableFormat
from urnn_bench.cli.sources import benchmark_name
from urnn_bench.errors import UsageError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import default_results
from urnn_bench.spec import catalogue
from urnn_bench.spec.grid import values_text

_DEFAULT_COUNT = 10


def write_best(
    benchmark: str,
    lengths: Sequence[int] | None,
    results: Path | None,
    count: int | None,
    format_: TableFormat,
    json: bool,
) -> None:
    """Write the best trials; raise UnknownNameError or NothingToShowError."""
    folder = results or default_results()
    name = benchmark_name(folder, benchmark)
    command = Command({name: benchmark}, results=None if results is None else str(results))
    rows = best_rows(folder, command, count or _DEFAULT_COUNT, lengths, _has_search(benchmark))
    if json:
        echo_json(rows)
        return
    with_models = len({row["model"] for row in rows}) > 1
    narrow = [_narrow(row, with_models) for row in rows]
    write_table(format_, [_wide(row) for row in rows], narrow, ())
    for metric in dict.fromkeys(row["metric"] for row in rows if row["metric"]):
        echo_err(f"{name}: validation and test are {metric}, means over the seeds of a trial")
    echo_err("validation: chose these trials, so it is too good; test: of these trials alone")


def _has_search(benchmark: str) -> bool:
    """Return whether a benchmark has a section ``search``, or is not there to be asked."""
    try:
        return "search" in catalogue.find(benchmark)[1].mapping
    except UsageError:
        return True


def _wide(row: BestRow) -> Mapping[str, object]:
    return {**row, "values": values_text(row["values"])}


def _narrow(row: BestRow, with_models: bool) -> TableRow:
    """Return a row that fits into 80 columns."""
    return {
        **({"model": row["model"]} if with_models else {}),
        "rank": row["rank"],
        "T": row["T"],
        "sampler": row["sampler"],
        "trial": row["trial"],
        "updates": row["updates"],
        "validation": row["validation"],
        "test": row["test"],
        "values": values_text(row["values"]),
    }
