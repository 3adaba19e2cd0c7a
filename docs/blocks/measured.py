"""Numbers for sentences that come of several records: times, shares, ratios, ranges of curves."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import median

from blocks.markdown import listed, short, spread
from blocks.records import Run, of, of_seeds, runs, timed

_HOUR_S = 3600.0
_MINUTE_S = 60.0
# the end of the name of a time
_TIME = "_s"


def record(
    folder: str, benchmark: str, model: str, T: str, field: str, how: str = "each", seeds: str = ""
) -> str:
    """Return a number of run.json, such as solved_step: each seed's, their range or median."""
    found = of_seeds(of(folder, benchmark, model, int(T)), seeds)
    shown = timed(found) if field.endswith(_TIME) else found
    return _HOW[how]([float(run.record[field]) for run in shown])


_HOW: Mapping[str, Callable[[Sequence[float]], str]] = {
    "each": lambda values: listed([short(value) for value in values]),
    "range": spread,
    "median": lambda values: short(median(values), 2),
}


def times(folder: str, benchmark: str, T: str, field: str, model: str, other: str) -> str:
    """Return how many times as large a model's median of a field is as another model's."""
    one, two = (of(folder, benchmark, name, int(T)) for name in (model, other))
    if field.endswith(_TIME):
        of_device = {run.folder for run in timed([*one, *two])}
        one, two = ([run for run in found if run.folder in of_device] for found in (one, two))
    medians = [median(float(run.record[field]) for run in found) for found in (one, two)]
    return short(medians[0] / medians[1])


def float64_times(folder: str, benchmark: str, model: str, T: str) -> str:
    """Return how many times as long training takes in float64, by the fastest run of each.

    What else a machine does makes a run slower, never faster.
    """
    fastest_s = {"float32": inf, "float64": inf}
    for run in timed(of(folder, benchmark, model, int(T))):
        dtype = run.record["run"]["fit"]["dtype"]
        fastest_s[dtype] = min(fastest_s[dtype], run.record["train_s"])
    return short(fastest_s["float64"] / fastest_s["float32"], 2)


def duration(folder: str, benchmark: str, *filters: str) -> str:
    """Return how long runs took one after another: of "model=urnn,irnn" or "T=100,200" only."""
    chosen = dict(text.split("=") for text in filters)
    found = [run for run in runs(folder, benchmark) if _is_chosen(run, chosen)]
    if not found:
        raise LookupError(f"no run of {benchmark} has {filters}")
    time_s = sum(map(_wall_s, found))
    if time_s < _HOUR_S:
        return f"{time_s / _MINUTE_S:.0f} minutes"
    return f"{time_s / _HOUR_S:.1f} hours"


def _is_chosen(run: Run, chosen: Mapping[str, str]) -> bool:
    of_run = dict(zip(("model", "T"), map(str, run.key), strict=True))
    return all(of_run[name] in values.split(",") for name, values in chosen.items())


def _wall_s(run: Run) -> float:
    """Return a run's share of the time of its processes: a stack's is that of all its runs."""
    sessions = run.record["sessions"]
    return sum(s["wall_s"] / (s.get("together") or 1) for s in sessions)


def share(folder: str, benchmark: str, field: str) -> str:
    """Return the share that a field of run.json, such as probe_s, has of the runs' whole time."""
    found = runs(folder, benchmark)
    part_s = sum(float(run.record[field]) for run in found)
    return f"{100 * part_s / sum(map(_wall_s, found)):.2g} %"


def first_above(
    folder: str, benchmark: str, model: str, T: str, probe: str, state: str, step: str, bound: str
) -> str:
    """Return the first time from which on a probe's curve stays above a bound, over seeds."""
    found = of(folder, benchmark, model, int(T))
    return spread([_first_above(_curve(run, probe, state, step), float(bound)) for run in found])


def _first_above(values: Sequence[float], bound: float) -> int:
    return max((t for t, value in enumerate(values, 1) if value < bound), default=0) + 1


def along(
    folder: str,
    benchmark: str,
    model: str,
    which: str,
    probe: str,
    state: str,
    step: str,
    what: str,
) -> str:
    """Return a range over the curves of all lengths of runs that are "solved" or "unsolved".

    ``what`` is "ratio", of the first value over the last, or a time such as 400: the values from
    there to the end of T.
    """
    found = [run for run in runs(folder, benchmark) if run.key[0] == model]
    chosen = [run for run in found if (run.record["solved_step"] is None) == (which == "unsolved")]
    curves = [(run.key[1], _curve(run, probe, state, step)) for run in chosen]
    if what == "ratio":
        return spread([c[0] / c[-1] for _, c in curves if c], 2)
    return spread([value for T, c in curves for value in c[int(what) - 1 : T]], 2)


def over_ours(
    folder: str, benchmark: str, model: str, T: str, probe: str, state: str, step: str, *points: str
) -> str:
    """Return how many times the paper's points, such as 20=16.25, are as large as our values."""
    curves = [_curve(run, probe, state, step) for run in of(folder, benchmark, model, int(T))]
    papers = [(int(t), float(value)) for t, value in (point.split("=") for point in points)]
    return spread([value / curve[t - 1] for t, value in papers for curve in curves], 2)


def _curve(run: Run, probe: str, state: str, step: str) -> list[float]:
    """Return a probe's curve over time; empty if the run was over before ``step``."""
    at = {"probe": probe, "state": state, "step": step}
    rows = [row for row in run.rows("probes.csv") if at.items() <= row.items()]
    return [float(row["value"]) for row in sorted(rows, key=lambda row: int(row["t"]))]
