"""The labels of two results folders, by which their runs are paired."""

from collections.abc import Sequence

from urnn_bench.records.record import Record
from urnn_bench.spec.labels import names_of

_Place = tuple[str, str, int]


def alike(a: Sequence[Record], b: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return runs under the name of their model where each side has one configuration of it.

    Where a side has several, their labels tell which one is paired with which.
    """
    of_sides = [_labels(side) for side in (a, b)]
    single = {p for p in of_sides[0] if all(len(labels.get(p, ())) == 1 for labels in of_sides)}
    return _named(a, single), _named(b, single)


def _labels(records: Sequence[Record]) -> dict[_Place, set[str]]:
    labels: dict[_Place, set[str]] = {}
    for record in records:
        labels.setdefault(_place(record), set()).add(record.run.label)
    return labels


def _named(records: Sequence[Record], single: set[_Place]) -> list[Record]:
    return [_renamed(record) if _place(record) in single else record for record in records]


def _renamed(record: Record) -> Record:
    run = record.run.model_copy(update={"label": names_of(record.run.label)[-1]})
    return record.model_copy(update={"run": run})


def _place(record: Record) -> _Place:
    return record.run.benchmark, names_of(record.run.label)[-1], record.run.T
