"""``urnn-bench status``: the recorded runs."""

from collections.abc import Sequence
from pathlib import Path

from urnn_bench.cli.display.output import TableRow, echo_err, echo_json, echo_rows
from urnn_bench.cli.options.filters import Models, Wheres
from urnn_bench.cli.options.shared import Benchmark, Json, Lengths, Results
from urnn_bench.cli.sources import (
    Request,
    Run,
    filters_of,
    listed_configurations,
    run_command,
)
from urnn_bench.errors import NothingToShowError
from urnn_bench.records import metrics
from urnn_bench.records.folder import (
    FORCED,
    METRICS,
    RunStatus,
    default_results,
    status_of_record,
    without_garbage_collection,
)
from urnn_bench.records.forced import status_of_forced
from urnn_bench.records.record import GOOD, INTERRUPTED, RUNNING, Record
from urnn_bench.spec.differences import label_parts
from urnn_bench.spec.labels import Natural, natural


def status(
    benchmark: Benchmark = None,
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    results: Results = None,
    json: Json = False,
) -> None:
    """Show every recorded run and its state."""
    filters = filters_of(lengths, models, where)
    folder = results or default_results()
    with without_garbage_collection():
        found = _found(Request(benchmark, (folder,), filters))
        rows = [_status(run, settings) for run, settings in found]
        if json:
            pairs = zip(rows, found, strict=True)
            echo_json([{**row, "test_by_length": _by_length(run)} for row, ((_, run), _) in pairs])
        elif rows:
            echo_rows(_narrow(rows))
        for note in _notes(found):
            echo_err(note)
    if rows or json:
        return
    if filters != filters_of():
        raise NothingToShowError(
            f"{folder}: no recorded run is selected; urnn-bench status shows all"
        )
    command = run_command(benchmark or "copy", results)
    raise NothingToShowError(f"{folder}: there are no runs yet; train some with: {command}")


def _notes(found: Sequence[tuple[Run, str]]) -> list[str]:
    from urnn_bench.analysis.timing import timing_notes

    return timing_notes([record for (_, record), _ in found])


def _found(request: Request) -> list[tuple[Run, str]]:
    """Return every run with what differs from its benchmark, in order; none if there are none."""
    try:
        listed = listed_configurations(request)
    except NothingToShowError:
        return []
    found = [
        (run, ", ".join(label_parts(one.differences))) for _, one in listed for run in one.runs
    ]
    return sorted(found, key=lambda pair: _sort_key(*pair[0]))


def _by_length(record: Record) -> dict[int, float | None]:
    """Return the test loss at every length at which a run is scored."""
    return {T: record.test_at(T).get(record.criterion) for T in record.lengths}


def _sort_key(folder: Path, record: Record) -> tuple[str, int, Natural, int, str]:
    run = record.run
    return run.benchmark, run.T, natural(run.label), run.seed, folder.name


def _narrow(rows: Sequence[TableRow]) -> list[TableRow]:
    """Return rows that fit into 80 columns; the run's name contains model, T and seed."""
    differ = any(row["settings"] for row in rows)
    has_devices = len({row["timed_on"] for row in rows if row["updates_per_s"]}) > 1
    return [
        {
            "benchmark": row["benchmark"],
            "run": row["run"],
            "state": row["state"],
            "updates": f"{row['update']}/{row['of']}",
            "per s": row["updates_per_s"],
            **({"timed on": row["timed_on"]} if has_devices else {}),
            "test": row["test"],
            **({"settings": row["settings"]} if differ else {}),
            "reason": _reason(row),
        }
        for row in rows
    ]


def _status(run: Run, settings: str) -> TableRow:
    from urnn_bench.analysis.timing import timed_on, updates_per_s

    folder, record = run
    state, forced = status_of_record(folder, record), status_of_forced(folder)
    return {
        "benchmark": record.run.benchmark,
        "model": record.run.label,
        "T": record.run.T,
        "seed": record.run.seed,
        "settings": settings,
        "state": state,
        "update": _step(folder, record, state),
        "of": record.run.updates,
        "updates_per_s": updates_per_s(record),
        "timed_on": timed_on(record),
        "test": (record.test or {}).get(record.criterion),
        "reason": record.reason,
        "run": folder.name,
        "host": record.sessions[-1].host,
        "pid": record.sessions[-1].pid,
        "job": record.sessions[-1].job,
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


def _where(row: TableRow) -> str:
    """Return the host of the process that trains or trained a run, and its job."""
    job = f", job {row['job']}" if row["job"] else ""
    return f"on {row['host']}{job}"


def _reason(row: TableRow) -> str:
    """Return why a run is not done or where it is, and where the forced run stands."""
    reason = "" if row["state"] in GOOD else str(row["reason"])
    if row["state"] in (RUNNING, INTERRUPTED):
        reason = ", ".join(filter(None, (reason, _where(row))))
    forced = f"forced run {row['forced']}" if row["forced"] else ""
    return "; ".join(filter(None, (reason, forced)))
