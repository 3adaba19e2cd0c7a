"""Which runs, or test scores of runs, one side of a comparison lacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from urnn_bench.analysis.compare import ComparisonKey, by_key
from urnn_bench.analysis.diverged import has_diverged
from urnn_bench.records.record import Record

Side = Literal["A", "B"]
_Groups = Mapping[ComparisonKey, Mapping[int, Record]]


@dataclass(frozen=True)
class Missing:
    """Seeds that one side has and ``side`` lacks; ``record`` is one that the other side has.

    ``state`` is that of runs that ``side`` has without a test score, such as "interrupted"; empty
    if it has no runs.
    """

    side: Side
    key: ComparisonKey
    seeds: tuple[int, ...]
    record: Record
    state: str = ""


def missing(a: Sequence[Record], b: Sequence[Record], by_model: bool) -> list[Missing]:
    """Return what either side lacks: runs, their scores, or those at a length of the test."""
    groups_a, groups_b = (by_key(records, by_model) for records in (a, b))
    return [*_lacking("A", groups_a, groups_b), *_lacking("B", groups_b, groups_a)]


def _lacking(side: Side, own: _Groups, other: _Groups) -> Iterator[Missing]:
    """Yield what a side lacks, in the order of the other side's."""
    for key, records in other.items():
        for state, seeds in _by_state(key, own, sorted(records)).items():
            yield Missing(side, key, tuple(seeds), records[seeds[0]], state)


def _by_state(key: ComparisonKey, own: _Groups, seeds: Sequence[int]) -> Mapping[str, list[int]]:
    """Return those of the other side's seeds that a side lacks, by the state of its runs."""
    found: dict[str, list[int]] = {}
    trained = own.get(replace(key, length=None), {})
    for seed in seeds:
        # a run that is missing has no score at any length
        lacks_run = seed not in trained or not _is_judged(trained[seed])
        if key.length is None and lacks_run:
            found.setdefault(trained[seed].status if seed in trained else "", []).append(seed)
        elif not lacks_run and seed not in own.get(key, {}):
            found.setdefault("", []).append(seed)
    return found


def _is_judged(record: Record) -> bool:
    """Return whether a run says how good its model is; training it again would not change that."""
    return record.test is not None or has_diverged(record)
