"""Single numbers of the committed records, for sentences: every seed's, or their range."""

from collections.abc import Sequence
from statistics import geometric_mean

from blocks.markdown import listed, short, spread
from blocks.records import Run, of, of_seeds


def best(
    folder: str,
    benchmark: str,
    model: str,
    T: str,
    until: str,
    metric: str = "",
    how: str = "each",
) -> str:
    """Return the best validation score within so many updates, the lowest of the loss.

    Of a named metric it is the highest.
    """
    found = of(folder, benchmark, model, int(T))
    return _said([_best(run, int(until), metric) for run in found], how)


def _best(run: Run, until: int, metric: str) -> float:
    wanted = ("validation", metric or run.record["criterion"])
    rows = [r for r in run.rows("metrics.csv") if (r["split"], r["metric"]) == wanted]
    scores = [float(row["value"]) for row in rows if 0 < int(row["step"]) <= until]
    return max(scores) if metric else min(scores)


def score(
    folder: str, benchmark: str, model: str, T: str, how: str = "mean", metric: str = ""
) -> str:
    """Return the loss on test data, or another metric.

    The mean of a loss is the geometric one, as `table` has it.
    """
    records = [run.record for run in of(folder, benchmark, model, int(T))]
    return _said([float(r["test"][metric or r["criterion"]]) for r in records], how)


def number(
    folder: str,
    benchmark: str,
    model: str,
    T: str,
    split: str,
    metric: str,
    step: str,
    how: str = "range",
    seeds: str = "",
) -> str:
    """Return what metrics.csv has of a metric after ``step`` updates, of all seeds or of "0,1"."""
    at = {"split": split, "metric": metric, "step": step}
    found = of_seeds(of(folder, benchmark, model, int(T)), seeds)
    return _said([_only(run.rows("metrics.csv"), at) for run in found], how)


def curve(
    folder: str,
    benchmark: str,
    model: str,
    T: str,
    probe: str,
    state: str,
    step: str,
    t: str,
    how: str = "range",
) -> str:
    """Return what probes.csv has of a probe's curve at time ``t`` after ``step`` updates."""
    at = {"probe": probe, "state": state, "step": step, "t": t}
    found = of(folder, benchmark, model, int(T))
    return _said([_only(run.rows("probes.csv"), at) for run in found], how)


def _only(rows: Sequence[dict[str, str]], at: dict[str, str]) -> float:
    """Return the value of the one row that has these; raise LookupError if there is not one."""
    values = [float(row["value"]) for row in rows if at.items() <= row.items()]
    if len(values) != 1:
        raise LookupError(f"{len(values)} rows have {at}, where one was looked for")
    return values[0]


def _said(values: Sequence[float], how: str) -> str:
    """Say every value, their mean, their range, or one of these in percent."""
    if how == "mean":
        return short(geometric_mean(values))
    if how == "percent":
        return f"{100 * min(values):.0f} to {100 * max(values):.0f} %"
    if how == "percents":
        return f"{listed([f'{100 * value:.0f}' for value in values])} %"
    return spread(values) if how == "range" else listed([short(value) for value in values])
