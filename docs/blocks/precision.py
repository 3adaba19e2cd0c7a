"""What twelve seeds in float32 and in float64 say: ends, frozen parameters, accuracies."""

from collections.abc import Sequence
from statistics import median

from scipy.stats import fisher_exact

from blocks.markdown import table as markdown
from blocks.records import Run, of

_WHERE = ("urnn-2016", "beyond/precision-seeds")
_MODELS = {"float32": "urnn", "float64": "urnn_float64"}
_T, _UNTIL, _GOOD = 784, 1000, 0.8


def seeds() -> str:
    """Return a row for each precision."""
    headers = (
        "precision",
        "seeds",
        "diverged",
        "with parameters that no longer move",
        f"above {100 * _GOOD:.0f} % within {_UNTIL:,} updates",
        "median of the best accuracies",
    )
    return markdown(headers, [_row(name, _runs(name)) for name in _MODELS])


def _runs(precision: str) -> Sequence[Run]:
    return of(*_WHERE, _MODELS[precision], _T)


def _row(precision: str, runs: Sequence[Run]) -> list[object]:
    best = [_best(run, 10**9) for run in runs]
    early = sum(_best(run, _UNTIL) > _GOOD for run in runs)
    ends = [len(runs), _diverged(runs), _frozen(runs), early]
    return [precision, *ends, f"{100 * median(best):.0f} %"]


def _best(run: Run, until: int) -> float:
    rows = [r for r in run.rows("metrics.csv") if r["split"] == "validation"]
    scores = [r for r in rows if r["metric"] == "accuracy" and int(r["step"]) <= until]
    return max(float(row["value"]) for row in scores)


def _diverged(runs: Sequence[Run]) -> int:
    return sum(run.record["status"] == "diverged" for run in runs)


def _frozen(runs: Sequence[Run]) -> int:
    return sum(bool(run.record["frozen_parameters"]) for run in runs)


def p_value() -> str:
    """Return Fisher's exact p, two-sided, that precision does not change how many seeds freeze."""
    counts = [(_frozen(runs), len(runs) - _frozen(runs)) for runs in map(_runs, _MODELS)]
    return f"{float(fisher_exact(counts).pvalue):.3f}"
