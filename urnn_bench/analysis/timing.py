"""On which device runs were timed: times of different devices are never averaged."""

from collections.abc import Iterable, Sequence
from statistics import median

from urnn_bench.records.record import Record

# of records that do not say which; a device of its own
UNNAMED = "unnamed device"


def timed_on(record: Record) -> str | None:
    """Return the name of the device whose time ``train_s`` is; None if it is that of several."""
    names, start = set[str](), record.steps_done
    for session in reversed(record.sessions):
        # one that was killed before its network was built, or made no update, has no part of it
        if session.device and session.from_step < start:
            names.add(session.device_name or UNNAMED)
            start = session.from_step
    if not names:
        return record.sessions[-1].device_name or UNNAMED
    if start > 0:
        names.add(UNNAMED)
    return names.pop() if len(names) == 1 else None


def updates_per_s(record: Record) -> float | None:
    """Return the pace of a run; None if it was not timed, or on several devices."""
    if not record.train_s or timed_on(record) is None:
        return None
    return record.steps_done / record.train_s


def paces(records: Iterable[Record]) -> dict[str, float]:
    """Return the median of the updates a second on each device, by its name."""
    found: dict[str, list[float]] = {}
    for record in records:
        name, pace = timed_on(record), updates_per_s(record)
        if name is not None and pace is not None:
            found.setdefault(name, []).append(pace)
    return {name: median(found[name]) for name in sorted(found)}


def timing_notes(records: Sequence[Record]) -> list[str]:
    """Return sentences on times that are shown apart or left out; none if all are of one device."""
    names = [timed_on(record) for record in records if record.train_s]
    devices, mixed = len({*names} - {None}), names.count(None)
    notes = [f"timings of {devices} devices are shown apart"] if devices > 1 else []
    if mixed:
        runs = "1 run that was" if mixed == 1 else f"{mixed} runs that were"
        notes.append(f"timings left out: {runs} trained on several devices")
    return notes
