"""One row for each model, length of training and length of the test, from a benchmark's runs.

Losses are summarised by their geometric mean with a t interval on the logarithm, other metrics by
their mean with a t interval within the metric's ends, and both by the range of the seeds if there
are fewer than six. Solved seeds are summarised by their share with Wilson's interval, the update of
solving by the median of its survival curve. The range over seeds is given as well. At a length of
the test that is not that of training, a seed has solved the task if its test score there says so.
Updates a second are those of each device, as times of several are not averaged.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite, isnan
from statistics import median

from urnn_bench.analysis.lengths import is_solved_at, longest_solved
from urnn_bench.analysis.selection import Selected, censored
from urnn_bench.analysis.statistics import (
    WITHOUT_ENDS,
    Ends,
    Interval,
    geometric_mean,
    mean,
    proportion,
    range_of_few,
    survival,
)
from urnn_bench.analysis.timing import paces
from urnn_bench.records.record import GOOD, Record
from urnn_bench.spec.labels import Natural, natural
from urnn_bench.spec.run import Run

Averaging = Callable[[Sequence[float]], Interval]

# what a row has that is a whole number, if it is known
COUNTS = (
    *("T", "hidden", "parameters", "recurrent_weights", "recurrent_bytes"),
    *("seeds", "good", "solved", "solved_step", "updates", "length"),
    *("longest_solved", "longest_solved_low", "longest_solved_high", "longest_scored"),
)


def summary(selected: Selected, metric: str | None = None) -> list[dict[str, object]]:
    """Return counts, means and ranges of the loss, or of a metric, by model and length."""
    metric = metric or selected.criterion
    groups: dict[tuple[int, str], list[Record]] = defaultdict(list)
    for record in selected.records:
        groups[record.run.T, record.run.label].append(record)
    return [
        {"benchmark": selected.benchmark, **_row(selected, metric, records, length)}
        for (T, _), records in sorted(groups.items(), key=_place)
        for length in (T, *sorted({n for r in records for n in r.evaluations} - {T}))
    ]


def _place(group: tuple[tuple[int, str], list[Record]]) -> tuple[int, Natural]:
    (T, label), _ = group
    return T, natural(label)


def tested(selected: Selected) -> list[str]:
    """Return the metrics that runs were tested with."""
    return list(dict.fromkeys(name for record in selected.records for name in record.test or {}))


def _row(
    selected: Selected, metric: str, group: Sequence[Record], length: int
) -> dict[str, object]:
    """Return the row of runs that share their model and length, for a length of the test."""
    run, is_trained = group[0].run, length == group[0].run.T
    records = group if is_trained else [r for r in group if length in r.evaluations]
    of_devices = paces(records)
    return {
        "model": run.label,
        "T": run.T,
        "hidden": run.hidden,
        **{name: _largest(records, name) for name in _SIZES},
        "seeds": len(records),
        "good": sum(record.status in GOOD for record in records),
        **(_solved(records) if is_trained else _solved_at(records, length)),
        "updates": int(median(record.steps_done for record in records)),
        "metric": metric or None,
        **_test(selected, metric, records, length),
        "baseline": _baseline(selected, metric, run, length),
        "updates_per_s": next(iter(of_devices.values())) if len(of_devices) == 1 else None,
        "updates_per_s_by_device": of_devices,
        "length": length,
        **(_longest_solved(records) if is_trained else dict.fromkeys(_LONGEST)),
    }


_SIZES = ("parameters", "recurrent_weights", "recurrent_bytes")


def _largest(records: Sequence[Record], size: str) -> int | None:
    """Return the largest of the sizes that records have, as not all seeds need to have one."""
    sizes = (getattr(record, size) for record in records)
    return max((value for value in sizes if value is not None), default=None)


def _baseline(selected: Selected, metric: str, run: Run, length: int) -> float | None:
    """Return the first baseline of a model at a length of the test, or the one of all models."""
    of_model = selected.baselines(metric, run.T, length, run.label)
    return next(iter((of_model or selected.baselines(metric, run.T, length)).values()), None)


_LONGEST = ("longest_solved", "longest_solved_low", "longest_solved_high", "longest_scored")


def _longest_solved(records: Sequence[Record]) -> Mapping[str, int | None]:
    found = longest_solved(records)
    values = (found.value, found.low, found.high, found.scored) if found else (None,) * 4
    return dict(zip(_LONGEST, values, strict=True))


def _solved_at(records: Sequence[Record], length: int) -> Mapping[str, float | None]:
    """Return how many seeds solve the task at a length of the test."""
    count = sum(is_solved_at(record, length) for record in records)
    return _share(records, count, step=None)


def _solved(records: Sequence[Record]) -> Mapping[str, float | None]:
    """Return how many seeds solved the task and when; counts only if ``fit.solved`` is given."""
    steps = [record.solved_step for record in records]
    count = sum(step is not None for step in steps)
    half = survival(steps, [censored(record) for record in records]).median
    return _share(records, count, step=int(half) if isfinite(half) else None)


def _share(records: Sequence[Record], count: int, step: int | None) -> Mapping[str, float | None]:
    share = proportion(count, len(records))
    has_criterion = any(record.run.fit.solved for record in records)
    return {
        "solved": count if has_criterion else None,
        "solved_low": share.low if has_criterion else None,
        "solved_high": share.high if has_criterion else None,
        "solved_step": step,
    }


def _test(
    selected: Selected, metric: str, records: Sequence[Record], length: int
) -> dict[str, float | str | None]:
    """Return the average test score at a length, its interval, the median and the range."""
    recorded = (record.test_at(length).get(metric) for record in records)
    scores = [score for score in recorded if score is not None and not isnan(score)]
    average = averaging(selected, metric)(scores)
    return {
        "test": _known(average.value),
        "test_low": _known(average.low),
        "test_high": _known(average.high),
        "test_interval": average.kind,
        "median": median(scores) if scores else None,
        "lowest": min(scores, default=None),
        "highest": max(scores, default=None),
    }


def averaging(selected: Selected, metric: str) -> Averaging:
    """Return the mean by which a metric of a benchmark's runs is summarised.

    It is geometric for the loss, and the interval of another metric stays within the metric's ends.
    Fewer than six scores have their range instead of an interval.
    """
    average = geometric_mean
    if metric != selected.criterion:
        average = partial(mean, ends=ends_of(selected.records, metric))
    return lambda scores: range_of_few(scores, average(scores))


def ends_of(records: Sequence[Record], metric: str) -> Ends:
    """Return the ends of a metric that runs of one task have, infinite where none says so."""
    found = (record.ends_of(metric) for record in records)
    return next((ends for ends in found if ends != WITHOUT_ENDS), WITHOUT_ENDS)


def _known(value: float) -> float | None:
    return None if isnan(value) else value
