"""The verdicts on claims by the records of one folder, and what runs their benchmarks describe."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.claims.schema import Claim, check_needs, float64_claim
from urnn_bench.cli.display.verdicts import AnyClaim
from urnn_bench.cli.sources import benchmark_name
from urnn_bench.proposals import Command
from urnn_bench.records import trials
from urnn_bench.records.folder import records
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.spec.catalogue import find, names
from urnn_bench.spec.sweep import Selection, UnresolvedRun, check_benchmark, drafts

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict

Drafts = Mapping[str, list[UnresolvedRun]]


def drafts_of(folder: Path, claims: Mapping[str, Claim]) -> Drafts:
    """Return the runs of every benchmark that has a file; refuse claims that no run can decide."""
    files = names()
    judged = [(name, each) for name, c in claims.items() for each in (c, float64_claim(c)) if each]
    benchmarks = dict.fromkeys(benchmark_name(folder, c.needs.benchmark) for _, c in judged)
    checked = {b: check_benchmark(*find(b), Selection(), ()) for b in benchmarks if b in files}
    planned = {name: drafts(b, Selection(), _cell_options) for name, b in checked.items()}
    for name, claim in judged:
        known = benchmark_name(folder, claim.needs.benchmark)
        if benchmark := checked.get(known):
            labels = {draft.label for draft in planned[known]}
            check_needs(name, claim, benchmark.benchmark, labels)
    return planned


def _cell_options(cell: str) -> Collection[str] | None:
    """Return the names of a cell's options, for a grid over them."""
    # cells need torch, which judging does not
    from urnn_bench.run.resolve import cell_options

    return cell_options(Components())(cell)


def judge_claims(
    folder: Path, claims: Mapping[str, AnyClaim], planned: Drafts, base: Command
) -> "dict[str, Verdict]":
    """Return the verdict on every claim by the records of a folder, which may not exist."""
    from urnn_bench.claims.controls import judge_controlled
    from urnn_bench.claims.search_verdicts import judge_searches

    @cache
    def runs_of(benchmark: str) -> list[tuple[Path, Record]]:
        return list(records(folder, benchmark))

    def judge(claim: Claim) -> "Verdict":
        benchmark = benchmark_name(folder, claim.needs.benchmark)
        return judge_controlled(claim, runs_of(benchmark), planned.get(benchmark, ()), base)

    def judge_any(claim: AnyClaim) -> "Verdict":
        if isinstance(claim, Claim):
            return _with_float64(claim, judge)
        benchmark = benchmark_name(folder, claim.needs.benchmark)
        return judge_searches(claim, trials.read(trials.path_of(folder, benchmark)), base)

    return {name: judge_any(claim) for name, claim in claims.items()}


def _with_float64(claim: Claim, judge: "Callable[[Claim], Verdict]") -> "Verdict":
    """Return the verdict, with that of the runs in float64 if there are enough."""
    verdict, other = judge(claim), float64_claim(claim)
    in_float64 = None if other is None else judge(other)
    if in_float64 is None or in_float64.insufficient:
        return verdict
    return replace(verdict, in_float64=in_float64)
