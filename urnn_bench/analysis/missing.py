"""Which runs of one side of a comparison the other side lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from urnn_bench.analysis.compare import ComparisonKey, by_key
from urnn_bench.records.record import Record

Side = Literal["A", "B"]
_Groups = Mapping[ComparisonKey, Mapping[int, Record]]


@dataclass(frozen=True)
class Missing:
    """Seeds that one side has and ``side`` lacks; ``record`` is one that the other side has."""

    side: Side
    key: ComparisonKey
    seeds: tuple[int, ...]
    record: Record


def missing(a: Sequence[Record], b: Sequence[Record], by_model: bool) -> list[Missing]:
    """Return what either side lacks: runs, or their scores at a length of the test."""
    groups_a, groups_b = (by_key(records, by_model) for records in (a, b))
    return [*_lacking("A", groups_a, groups_b), *_lacking("B", groups_b, groups_a)]


def _lacking(side: Side, own: _Groups, other: _Groups) -> list[Missing]:
    """Return what a side lacks, in the order of the other side's."""
    found = (_missing(side, key, own, other) for key in other)
    return [missing for missing in found if missing is not None]


def _missing(side: Side, key: ComparisonKey, own: _Groups, other: _Groups) -> Missing | None:
    seeds = other[key].keys() - own.get(key, {}).keys()
    if key.length:
        # a run that is missing has no score at any length
        seeds &= own.get(replace(key, length=None), {}).keys()
    if not seeds:
        return None
    return Missing(side, key, tuple(sorted(seeds)), other[key][min(seeds)])
