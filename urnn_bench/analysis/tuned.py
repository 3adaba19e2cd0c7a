"""Of all settings that a model was trained with, those that are best on validation.

Validation chooses, and the test split is read for the chosen settings alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import NamedTuple

from urnn_bench.analysis.results import Results
from urnn_bench.analysis.statistics import Interval, geometric_mean
from urnn_bench.errors import NothingToShowError
from urnn_bench.records.record import GOOD, Record
from urnn_bench.spec.labels import names_of


class Place(NamedTuple):
    """A length, a model without its settings, and the task, as losses of two are not compared."""

    T: int
    model: str
    task: str


Runs = list[tuple[Record, float]]


@dataclass(frozen=True)
class Tried:
    """The runs of a model and length with one setting, and their validation loss.

    It is the geometric mean over the seeds, of the best weights of each; infinite if a run failed
    or diverged.
    """

    label: str
    records: tuple[Record, ...]
    validation: float


def tried(results: Results) -> dict[Place, list[Tried]]:
    """Return the settings of every model and length, the lowest validation loss first.

    Raises NothingToShowError if no model has several.
    """
    losses = _validation(results)
    groups: dict[Place, dict[str, Runs]] = {}
    for folder, record in zip(results.folders, results.records, strict=True):
        run = record.run
        place = Place(run.T, names_of(run.label)[0], run.task.model_dump_json())
        runs = groups.setdefault(place, {}).setdefault(run.label, [])
        runs.append((record, losses.get(str(folder), inf)))
    found = {place: [_tried(*one) for one in of.items()] for place, of in groups.items()}
    if not any(settings[1:] for settings in found.values()):
        raise NothingToShowError(
            f"{results.benchmark}: no model was trained with several settings; train some with "
            "--set, such as --set grid.fit.optimizer.lr=[1e-3,1e-2]"
        )
    return {place: sorted(s, key=lambda one: one.validation) for place, s in found.items()}


def _tried(label: str, runs: Runs) -> Tried:
    losses = [loss for _, loss in runs]
    average = geometric_mean(losses).value if all(map(isfinite, losses)) else inf
    return Tried(label, tuple(record for record, _ in runs), average)


def _validation(results: Results) -> Mapping[str, float]:
    """Return the validation loss of every good run's best weights, by its folder."""
    frame = results.metrics
    scores = frame[(frame["split"] == "validation") & (frame["metric"] == results.criterion)]
    # of stages, the last one has the score that counts
    known = scores.groupby(["run", "step"])["value"].last().to_dict()
    runs = zip(results.folders, results.records, strict=True)
    steps = {f: r.steps_done if r.best_step is None else r.best_step for f, r in runs}
    good = [f for f, r in zip(results.folders, results.records, strict=True) if r.status in GOOD]
    return {str(f): known[f.name, steps[f]] for f in good if (f.name, steps[f]) in known}


def row_of(place: Place, settings: Sequence[Tried], metric: str) -> dict[str, object]:
    """Return the best settings of a model and length, and their test score, if they have one."""
    best = settings[0]
    scores = [(record.test or {}).get(metric) for record in best.records]
    known = [score for score in scores if score is not None]
    average = geometric_mean(known) if len(known) == len(scores) else _UNKNOWN
    return {
        "model": place.model,
        "T": place.T,
        "tried": len(settings),
        "best": best.label,
        "seeds": len(best.records),
        "validation": best.validation if isfinite(best.validation) else None,
        "test": average.value if isfinite(average.value) else None,
        "metric": metric,
    }


_UNKNOWN = Interval(nan, nan, nan)
