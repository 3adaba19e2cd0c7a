"""How many runs a command requests, and how long they take: known before torch is imported."""

from collections.abc import Sequence
from typing import NamedTuple

from urnn_bench.run.estimates import expected_from_start_s
from urnn_bench.run.matrix import selected_of
from urnn_bench.spec import catalogue
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.sweep import (
    Selection,
    UnresolvedRun,
    check_benchmark_with_faults,
    drafts_with_faults,
)


class Outline(NamedTuple):
    """The number of requested runs, done ones included, and about how long all of them train."""

    runs: int
    expected_s: float


def outline(names: Sequence[str], selection: Selection, cells: Sequence[str]) -> Outline:
    """Return the outline of benchmarks; raise SpecError for what is wrong in their files.

    The options of models and tasks are not checked, as that takes torch.
    """
    runs = [run for name in names for run in _runs(name, selection, cells)]
    return Outline(len(runs), sum(map(expected_from_start_s, runs)))


def _runs(given: str, selection: Selection, cells: Sequence[str]) -> list[UnresolvedRun]:
    name, document = catalogue.find(given)
    selected, faults = selected_of(document, selection), Faults()
    runs = [
        run
        for checked in check_benchmark_with_faults(name, document, selected, cells, faults)
        for run in drafts_with_faults(checked, selected, None, faults)
    ]
    faults.check()
    return runs
