"""Two sides of the same seeds: models of one results folder, or two folders' runs of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urnn_bench.analysis.statistics import Comparison, compare_paired
from urnn_bench.errors import NothingToShowError, UsageError
from urnn_bench.records.record import Record


@dataclass(frozen=True)
class ComparisonKey:
    """What two sides are compared in: a benchmark at a length, and a model if it is one."""

    benchmark: str
    T: int
    model: str | None = None


@dataclass(frozen=True)
class Row:
    """How B does against A in one matter, by the loss on test data.

    ``trained`` names what of a model's training differs, which of two models may.
    """

    matter: ComparisonKey
    metric: str
    solved: tuple[int, int]
    found: Comparison
    untested: int
    trained: tuple[str, ...] = ()


def compare(a: Sequence[Record], b: Sequence[Record], by_model: bool) -> list[Row]:
    """Compare runs of the same seeds, matter by matter, by those tested on both sides.

    Raises NothingToShowError if no seed is on both sides, UsageError if data differ.
    """
    sides = [_by_matter(records, by_model) for records in (a, b)]
    shared = sorted((matter for matter in sides[0] if matter in sides[1]), key=_place)
    rows = [row for m in shared if (row := _row(m, sides[0][m], sides[1][m]))]
    if not rows:
        raise NothingToShowError("no benchmark, length and seed has been tested on both sides")
    return rows


def _place(matter: ComparisonKey) -> tuple[str, int, str]:
    return matter.benchmark, matter.T, matter.model or ""


def _by_matter(records: Sequence[Record], by_model: bool) -> dict[ComparisonKey, dict[int, Record]]:
    found: dict[ComparisonKey, dict[int, Record]] = {}
    for record in records:
        run = record.run
        matter = ComparisonKey(run.benchmark, run.T, run.label if by_model else None)
        found.setdefault(matter, {})[run.seed] = record
    return found


def _row(matter: ComparisonKey, a: Mapping[int, Record], b: Mapping[int, Record]) -> Row | None:
    both = sorted(a.keys() & b.keys())
    seeds = [seed for seed in both if a[seed].test is not None and b[seed].test is not None]
    if not seeds:
        return None
    for seed in seeds:
        check_data(a[seed], b[seed])
    metric = a[seeds[0]].criterion
    values = [[_loss(side[seed], metric) for seed in seeds] for side in (a, b)]
    solved = [sum(side[seed].solved_step is not None for seed in seeds) for side in (a, b)]
    untested = len(both) - len(seeds)
    trained = _training(matter, a[seeds[0]], b[seeds[0]])
    return Row(matter, metric, (solved[0], solved[1]), compare_paired(*values), untested, trained)


def _training(matter: ComparisonKey, a: Record, b: Record) -> tuple[str, ...]:
    if matter.model is None:
        return ()
    free = {"log_every", "evaluate_batch"}
    one, two = (
        {"fit": r.run.fit.model_dump(exclude=free), **r.run.model_dump(include={"cell", "hidden"})}
        for r in (a, b)
    )
    return tuple(_differences(one, two))


def _loss(record: Record, metric: str) -> float:
    value = (record.test or {}).get(metric)
    return float("nan") if value is None else value


def check_data(a: Record, b: Record) -> None:
    """Raise UsageError, naming what differs, if two runs were not shown the same data."""
    parts = [part for part in a.fingerprint if a.fingerprint[part] != b.fingerprint.get(part)]
    if not parts:
        return
    one, two = (
        {"task": r.run.task.model_dump(), "fit": {"batch": r.run.fit.batch}} for r in (a, b)
    )
    fields = _differences(one, two) or ["nothing in their specs: the task's code has changed"]
    raise UsageError(
        f"{a.run.slug} and {b.run.slug} of '{a.run.benchmark}' were not shown the same "
        f"{' and '.join(parts)} data and cannot be compared; what differs: {'; '.join(fields)}"
    )


def _differences(a: Any, b: Any, path: str = "") -> list[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = dict.fromkeys([*a, *b])
        return [d for k in keys for d in _differences(a.get(k), b.get(k), f"{path}.{k}")]
    return [] if a == b else [f"{path.removeprefix('.')} ({a} and {b})"]
