"""``urnn-bench status``: the recorded runs."""

from pathlib import Path

from urnn_bench.cli.display.output import TableRow, echo_json, echo_rows
from urnn_bench.cli.options.shared import Benchmark, Json, Results
from urnn_bench.cli.sources import benchmark_name, run_command
from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics
from urnn_bench.records.folder import (
    FORCED,
    METRICS,
    RunStatus,
    default_results,
    records,
    status_of_record,
    without_garbage_collection,
)
from urnn_bench.records.forced import status_of_forced
from urnn_bench.records.record import GOOD, Record


def status(benchmark: Benchmark = None, results: Results = None, json: Json = False) -> None:
    """Show every recorded run and its state."""
    folder = results or default_results()
    name = benchmark_name(folder, benchmark) if benchmark else None
    with without_garbage_collection():
        recorded = sorted(records(folder, name), key=lambda pair: _sort_key(pair[1]))
        rows = [_status(*run) for run in recorded]
        if json:
            pairs = zip(rows, recorded, strict=True)
            echo_json([{**row, "test_by_length": _by_length(run)} for row, (_, run) in pairs])
        elif rows:
            echo_rows([_narrow(row) for row in rows])
    if not (rows or json):
        command = run_command(benchmark or "copy", results)
        raise NothingToShowError(f"{folder}: there are no runs yet; train some with: {command}")


def _by_length(record: Record) -> dict[int, float | None]:
    """Return the test loss at every length at which a run is scored."""
    return {T: record.test_at(T).get(record.criterion) for T in record.lengths}


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
        "reason": _reason(row),
    }


def _status(folder: Path, record: Record) -> TableRow:
    state, forced = status_of_record(folder, record), status_of_forced(folder)
    pace = record.steps_done / record.train_s if record.train_s else None
    return {
        "benchmark": record.run.benchmark,
        "model": record.run.label,
        "T": record.run.T,
        "seed": record.run.seed,
        "state": state,
        "update": _step(folder, record, state),
        "of": record.run.updates,
        "updates_per_s": pace,
        "test": (record.test or {}).get(record.criterion),
        "reason": record.reason,
        "run": folder.name,
        "forced": _forced(folder / FORCED, forced),
    }


def _step(folder: Path, record: Record, state: str) -> int:
    """Return the last update that is known of."""
    measured = metrics.read(folder / METRICS) if state in ("running", "interrupted") else []
    # while a run is in progress its metrics are ahead of its record, later they may be behind
    return max(record.steps_done, measured[-1].step if measured else 0)


def _forced(folder: Path, forced: RunStatus | None) -> str:
    """Return where a forced run stands that has not replaced its record yet."""
    if forced is None or forced.record is None:
        return ""
    step = _step(folder, forced.record, forced.status)
    return f"{forced.status} at update {step}"


def _reason(row: TableRow) -> str:
    """Return why a run is not done, and where the forced run stands that will replace it."""
    reason = "" if row["state"] in GOOD else str(row["reason"])
    forced = f"forced run {row['forced']}" if row["forced"] else ""
    return "; ".join(filter(None, (reason, forced)))
