"""``urnn-bench table``: a summary of records alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from urnn_bench.cli.display.intervals import Ends, end_columns, end_legend
from urnn_bench.cli.display.output import TableRow, echo_err, echo_json
from urnn_bench.cli.display.tables import write_table
from urnn_bench.cli.options import report as options
from urnn_bench.cli.options.filters import All, Models, ResultsFolders, Wheres
from urnn_bench.cli.options.shared import Benchmark, Json, Lengths
from urnn_bench.cli.sources import Request, filters_of, selected_runs
from urnn_bench.errors import UnknownNameError, UsageError
from urnn_bench.records import metrics
from urnn_bench.records.folder import METRICS, without_garbage_collection

if TYPE_CHECKING:
    from urnn_bench.analysis.selection import Selected


class _SummaryRow(TypedDict):
    """The columns of a summary that a table shows; None is what is not known."""

    benchmark: str
    metric: str
    model: str
    T: int
    parameters: int | None
    recurrent_weights: int | None
    recurrent_bytes: int | None
    updates: int
    seeds: int
    good: int
    solved: int | None
    solved_low: float
    solved_high: float
    solved_step: int | None
    test: float | None
    test_low: float | None
    test_high: float | None
    test_interval: str | None
    baseline: float | None
    length: int
    longest_solved: int | None
    longest_solved_low: int
    longest_solved_high: int
    longest_scored: int
    updates_per_s_by_device: dict[str, float]


def table(
    benchmark: Benchmark = None,
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    show_all: All = False,
    metric: options.Metric = None,
    results: ResultsFolders = None,
    format_: options.Format = options.TableFormat.text,
    memory: options.Memory = False,
    trials: options.Trials = False,
    best: options.Best = None,
    tuned: options.Tuned = False,
    json: Json = False,
) -> None:
    """Summarise the records: a mean over seeds and its interval for each model and length."""
    _check_options(benchmark, metric, memory, trials, best)
    if tuned and (trials or memory or metric is not None):
        raise UsageError("--tuned goes by the loss; leave out --metric, --memory and --trials")
    if trials and benchmark is not None:
        from urnn_bench.cli.commands.table_trials import write_best

        write_best(benchmark, lengths, _one_folder(results), best, format_, json)
        return
    filters = filters_of(lengths, models, where, show_all)
    with without_garbage_collection():
        loaded = selected_runs(Request(benchmark, tuple(results or ()), filters))
        if tuned:
            from urnn_bench.cli.commands.table_tuned import write_tuned

            write_tuned(loaded, format_, json)
            return
        rows = _summary(loaded, metric)
        _warn_of_damage(loaded)
    timings = _timing_notes(loaded)
    if json:
        echo_json(rows)
        for note in timings:
            echo_err(note)
        return
    notes = [note for runs in loaded for note in runs.notes]
    # other formats have no column of times
    if format_ is options.TableFormat.csv:
        notes += timings
    _write_summary(format_, cast("list[_SummaryRow]", rows), notes, with_memory=memory)


def _check_options(
    benchmark: str | None, metric: str | None, memory: bool, trials: bool, best: int | None
) -> None:
    """Raise UsageError for options that have no part in what is shown."""
    if best is not None and not trials:
        raise UsageError("--best says how many trials are shown; give --trials too")
    if trials and (metric is not None or memory):
        raise UsageError("trials are scored by their loss; leave out --metric and --memory")
    if trials and benchmark is None:
        raise UsageError("give the benchmark whose trials are shown: urnn-bench table NAME")


def _one_folder(results: list[Path] | None) -> Path | None:
    """Return the folder of a search; raise UsageError for several."""
    if results and len(results) > 1:
        raise UsageError("trials are those of one folder; give --results once")
    return next(iter(results or []), None)


def _summary(loaded: "list[Selected]", metric: str | None) -> list[dict[str, object]]:
    """Return the summaries of several benchmarks; raise UnknownNameError if none has the metric."""
    from urnn_bench.analysis.summary import summary, tested

    shown_runs = [runs for runs in loaded if metric in (None, *tested(runs))]
    if not shown_runs:
        raise UnknownNameError("metric", metric or "", {n for runs in loaded for n in tested(runs)})
    return [row for runs in shown_runs for row in summary(runs, metric)]


def _warn_of_damage(loaded: "list[Selected]") -> None:
    """Warn about files that a table does not need, as it may be all that is looked at."""
    for runs in loaded:
        for folder in runs.folders:
            metrics.FORMAT.check(folder / METRICS)


def _timing_notes(loaded: "list[Selected]") -> list[str]:
    from urnn_bench.analysis.timing import timing_notes

    return [f"{runs.benchmark}: {note}" for runs in loaded for note in timing_notes(runs.records)]


def _write_summary(
    format_: options.TableFormat,
    rows: list[_SummaryRow],
    others: Sequence[str],
    *,
    with_memory: bool,
) -> None:
    from urnn_bench.analysis.summary import COUNTS

    benchmarks = {row["benchmark"] for row in rows}
    with_lengths = any(row["length"] != row["T"] for row in rows)
    ends = [Ends(row["test_low"], row["test_high"], row["test_interval"]) for row in rows]
    narrow = [
        {
            **({"benchmark": row["benchmark"]} if len(benchmarks) > 1 else {}),
            **(_with_memory if with_memory else _narrow)(row, columns, with_lengths),
        }
        for row, columns in zip(rows, end_columns(ends), strict=True)
    ]
    notes = [*_notes(rows), *(_MEMORY_LEGEND if with_memory else _legend(with_lengths)), *others]
    write_table(format_, [_flat(row) for row in rows], narrow, COUNTS, notes)


def _flat(row: _SummaryRow) -> Mapping[str, object]:
    """Return a row whose updates a second on each device are one text."""
    shown = [f"{name}: {pace}" for name, pace in row["updates_per_s_by_device"].items()]
    return {**row, "updates_per_s_by_device": "; ".join(shown)}


def _notes(rows: list[_SummaryRow]) -> Iterator[str]:
    """Yield what the scores of a table are."""
    for name, metric in dict.fromkeys((row["benchmark"], row["metric"]) for row in rows):
        yield f"{name}: test is {metric}"
    legend = end_legend({row["test_interval"] for row in rows})
    yield f"test: mean over seeds (geometric for the loss); {legend}"
    if any(row["good"] < row["seeds"] for row in rows):
        yield "good: not diverged, failed or stopped; a diverged run is tested at its best"


def _legend(with_lengths: bool) -> Sequence[str]:
    """Return what the columns of sizes, lengths and solved seeds mean."""
    size = "" if with_lengths else "size: parameters; "
    solved = f"{size}solved: seeds (95 % interval of the share) @ median update"
    return (solved, *(_LENGTHS_LEGEND if with_lengths else ()))


_MEMORY_LEGEND = (
    "recurrent weights: numbers that a step in time reads beside its input and its state",
    "recurrent kB: their size, of 1,000 bytes, with the indices that it reads",
)
_LENGTHS_LEGEND = (
    "at: length of the test; solved there: seeds whose test score meets the criterion",
    "solved to: longest length up to which half of the seeds solve all (95 % interval), 0: none",
)


def _with_memory(row: _SummaryRow, ends: TableRow, with_lengths: bool) -> TableRow:
    """Return a row of sizes and scores."""
    size = row["recurrent_bytes"]
    return {
        "model": row["model"],
        "T": row["T"],
        **({"at": row["length"]} if with_lengths else {}),
        "parameters": row["parameters"],
        "recurrent weights": row["recurrent_weights"],
        "recurrent kB": None if size is None else size / 1000,
        "seeds": row["seeds"],
        "test": row["test"],
        **ends,
    }


def _narrow(row: _SummaryRow, ends: TableRow, with_lengths: bool) -> TableRow:
    """Return a row that fits into 80 columns."""
    lengths: TableRow = {}
    sizes: TableRow = {"size": row["parameters"], "updates": row["updates"]}
    if with_lengths:
        lengths, sizes = {"at": row["length"], "solved to": _longest(row)}, {}
    return {
        "model": row["model"],
        "T": row["T"],
        **lengths,
        **sizes,
        "solved": _solved(row),
        "test": row["test"],
        **ends,
        "memoryless": row["baseline"],
    }


def _longest(row: _SummaryRow) -> str:
    """Return "200 (50-500)"; "≥500" if the longest length that was scored is solved."""
    if row["longest_solved"] is None:
        return ""
    at_least = "≥" if row["longest_solved"] == row["longest_scored"] else ""
    interval = f"{row['longest_solved_low']}-{row['longest_solved_high']}"
    return f"{at_least}{row['longest_solved']} ({interval})"


def _solved(row: _SummaryRow) -> str:
    """Return "2/3 (21-94 %)@500, 2 good"; a dash where nothing says when the task is solved."""
    good = "" if row["good"] == row["seeds"] else f", {row['good']} good"
    if row["solved"] is None:
        return f"–{good}"
    percent = f"{100 * row['solved_low']:.0f}-{100 * row['solved_high']:.0f} %"
    update = f"@{row['solved_step']}" if row["solved_step"] is not None else ""
    return f"{row['solved']}/{row['seeds']} ({percent}){update}{good}"
