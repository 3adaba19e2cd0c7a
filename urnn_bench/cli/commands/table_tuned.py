"""``urnn-bench table --tuned``: of each model, the settings that are best on validation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from urnn_bench.cli.display.output import TableRow, echo_json
from urnn_bench.cli.display.tables import write_table
from urnn_bench.cli.options.report import TableFormat

if TYPE_CHECKING:
    from urnn_bench.analysis.selection import Selected

_COUNTS = ("T", "tried", "seeds")


def write_tuned(loaded: "Sequence[Selected]", format_: TableFormat, json: bool) -> None:
    """Write the best settings of every model; raise NothingToShowError if none has several."""
    from urnn_bench.analysis.results import framed
    from urnn_bench.analysis.tuned import row_of, tried

    rows = [
        {"benchmark": runs.benchmark, **row_of(place, settings, runs.criterion)}
        for runs in loaded
        for place, settings in sorted(tried(framed(runs)).items())
    ]
    if json:
        echo_json(rows)
        return
    with_benchmarks = len({row["benchmark"] for row in rows}) > 1
    hidden = {"metric", *([] if with_benchmarks else ["benchmark"])}
    narrow = [{key: v for key, v in row.items() if key not in hidden} for row in rows]
    metrics = dict.fromkeys((row["benchmark"], row["metric"]) for row in rows)
    notes = [
        *(f"{b}: validation and test are {m}, geometric means over the seeds" for b, m in metrics),
        "validation: chose these settings, so it is too good; test: of these alone",
    ]
    write_table(format_, rows, cast("list[TableRow]", narrow), _COUNTS, notes)
