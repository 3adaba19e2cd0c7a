"""Lakes: what every model scores at each share of the observations, and beside other cells."""

from collections.abc import Sequence
from statistics import mean, median

from blocks.markdown import short
from blocks.markdown import table as markdown
from blocks.records import Run, of, runs, timed

_FOLDER, _SHARES = "pgrnn-2021", "lake/mendota"
_DIGITS = {"rmse_celsius": "{:.2f}", "energy_imbalance_w_m2": "{:.0f}", "inversions": "{:.2%}"}
_METRICS = {
    "rmse_celsius": "error in °C",
    "energy_imbalance_w_m2": "energy imbalance in W/m²",
    "inversions": "inverted pairs",
}


def by_share(metric: str) -> str:
    """Return a row for every model and baseline: the mean at each share, and its range."""
    found = runs(_FOLDER, _SHARES)
    shares = sorted({_share(run) for run in found})
    models = dict.fromkeys(_model(run) for run in found)
    headers = ("model", *(f"{share:.3g} %" for share in (100 * share for share in shares)))
    rows = [(m, *(_shown(_of(found, m, s), metric) for s in shares)) for m in models]
    baselines = found[0].record["baselines"][metric]
    rows += [(name, *(_DIGITS[metric].format(v) for _ in shares)) for name, v in baselines.items()]
    return markdown(headers, rows)


def cells(benchmark: str) -> str:
    """Return a row for every model of a benchmark, the lowest error first."""
    found = runs(_FOLDER, benchmark)
    labels = dict.fromkeys(run.key[0] for run in found)
    own = {label: [run for run in found if run.key[0] == label] for label in labels}
    ordered = sorted(own, key=lambda label: mean(_values(own[label], "rmse_celsius")))
    headers = ("model", "units", "parameters", "seeds", *_METRICS.values())
    return markdown(headers, [_row(label, own[label]) for label in ordered])


def update_ms(benchmark: str, model: str, T: str) -> str:
    """Return how long an update takes, the median over runs."""
    found = timed(of(_FOLDER, benchmark, model, int(T)))
    times = [1000 * run.record["train_s"] / run.record["steps_done"] for run in found]
    return short(median(times), 2)


def _row(label: str, own: Sequence[Run]) -> tuple[str, ...]:
    record = own[0].record
    sizes = str(record["run"]["hidden"]), f"{record['parameters']:,}", str(len(own))
    return label, *sizes, *(_shown(own, metric) for metric in _METRICS)


def _model(run: Run) -> str:
    return run.key[0].partition(" @ ")[0]


def _share(run: Run) -> float:
    return float(run.record["run"]["task"]["options"]["share"])


def _of(found: Sequence[Run], model: str, share: float) -> list[Run]:
    return [run for run in found if (_model(run), _share(run)) == (model, share)]


def _values(own: Sequence[Run], metric: str) -> list[float]:
    return [float(run.record["test"][metric]) for run in own]


def _shown(own: Sequence[Run], metric: str) -> str:
    if not own:
        return "–"
    values, digits = _values(own, metric), _DIGITS[metric]
    middle, low, high = map(digits.format, (mean(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"
