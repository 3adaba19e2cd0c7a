"""One row for each model and length, from the runs of a benchmark.

Losses are summarised by their geometric mean with a t interval on the logarithm, other metrics by
their mean with a t interval, solved seeds by their share with Wilson's interval, the update of
solving by the median of its survival curve. The range over seeds is given as well.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from statistics import median

from urnn_bench.analysis.selection import Selected, censored
from urnn_bench.analysis.statistics import geometric_mean, mean, proportion, survival
from urnn_bench.records.record import GOOD, Record

# what a row has that is a whole number, if it is known
COUNTS = ("T", "hidden", "parameters", "seeds", "good", "solved", "solved_step", "updates")


def summary(selected: Selected, metric: str | None = None) -> list[dict[str, object]]:
    """Return counts, means and ranges of the loss, or of a metric, by model and length."""
    metric = metric or selected.criterion
    groups: dict[tuple[int, str], list[Record]] = defaultdict(list)
    for record in selected.records:
        groups[record.run.T, record.run.label].append(record)
    baselines = {
        (T, model): selected.baselines(metric, T, model) or selected.baselines(metric, T)
        for T, model in groups
    }
    first = {group: next(iter(values.values()), None) for group, values in baselines.items()}
    return [
        {"benchmark": selected.benchmark, **_row(records, metric, selected.criterion, first[g])}
        for g, records in sorted(groups.items())
    ]


def tested(selected: Selected) -> list[str]:
    """Return the metrics that runs were tested with."""
    return list(dict.fromkeys(name for record in selected.records for name in record.test or {}))


def _row(
    records: Sequence[Record], metric: str, criterion: str, baseline: float | None
) -> dict[str, object]:
    """Return the row of runs that share their model and length."""
    run = records[0].run
    paces = [r.steps_done / r.train_s for r in records if r.train_s]
    return {
        "model": run.label,
        "T": run.T,
        "hidden": run.hidden,
        "parameters": max(
            (r.parameters for r in records if r.parameters is not None), default=None
        ),
        "seeds": len(records),
        "good": sum(record.status in GOOD for record in records),
        **_solved(records),
        "updates": int(median(record.steps_done for record in records)),
        "metric": metric or None,
        **_test(records, metric, is_loss=metric == criterion),
        "baseline": baseline,
        "updates_per_s": median(paces) if paces else None,
    }


def _solved(records: Sequence[Record]) -> Mapping[str, float | None]:
    """Return how many seeds solved the task and when; counts only if ``fit.solved`` is given."""
    steps = [record.solved_step for record in records]
    count = sum(step is not None for step in steps)
    share = proportion(count, len(records))
    half = survival(steps, [censored(record) for record in records]).median
    has_criterion = any(record.run.fit.solved for record in records)
    return {
        "solved": count if has_criterion else None,
        "solved_low": share.low if has_criterion else None,
        "solved_high": share.high if has_criterion else None,
        "solved_step": int(half) if isfinite(half) else None,
    }


def _test(records: Sequence[Record], metric: str, is_loss: bool) -> dict[str, float | None]:
    """Return the average test score with its interval, the median and the range."""
    recorded = ((record.test or {}).get(metric) for record in records)
    scores = [score for score in recorded if score is not None and not isnan(score)]
    average = (geometric_mean if is_loss else mean)(scores)
    return {
        "test": _known(average.value),
        "test_low": _known(average.low),
        "test_high": _known(average.high),
        "median": median(scores) if scores else None,
        "lowest": min(scores, default=None),
        "highest": max(scores, default=None),
    }


def _known(value: float) -> float | None:
    return None if isnan(value) else value
