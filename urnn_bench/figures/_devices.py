"""The parts of a figure of times: one for each device, as times of several are not averaged."""

from dataclasses import replace

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError

# why a run has no place in such a figure
MIXED = "trained on several devices"
_KEY = ["run", "model", "T"]


def by_device(results: Results) -> list[tuple[str, Results]]:
    """Return the runs that were timed on each device, with its name, without those of several.

    The name is empty if all are of one device. Raises NothingToShowError if there are none.
    """
    names = sorted(results.runs["timed_on"].dropna().unique())
    if not names:
        raise NothingToShowError(
            f"every run of '{results.benchmark}' was {MIXED}, and such times are not compared"
        )
    return [(str(name) if len(names) > 1 else "", _on(results, name)) for name in names]


def _on(results: Results, device: str) -> Results:
    runs, metrics = results.runs, results.metrics
    runs = runs[runs["timed_on"] == device]
    is_timed = metrics.set_index(_KEY).index.isin(runs.set_index(_KEY).index)
    return replace(results, runs=runs, metrics=metrics[is_timed])
