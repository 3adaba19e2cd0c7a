"""Claims on searches against the trials of a benchmark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, isnan, log, nan

from urnn_bench.analysis.statistics import geometric_mean, mean
from urnn_bench.claims.searches import SearchClaim
from urnn_bench.claims.verdicts import (
    UNKNOWN,
    SeedValue,
    Verdict,
    VerdictName,
    count_within,
    describe_seeds,
)
from urnn_bench.proposals import Command
from urnn_bench.records.trials import Trial, of_search


@dataclass(frozen=True)
class SearchEvidence:
    """The trials that a claim is judged by: for each seed, those of every sampler up to the cost.

    ``trials`` are all of these samplers. ``lacking`` are the searches that are too short, by
    sampler and seed, with all their trials.
    """

    claim: SearchClaim
    trials: Sequence[Trial]
    seeds: Sequence[tuple[Sequence[Trial], ...]]
    lacking: Sequence[tuple[str, int, Sequence[Trial]]]
    base: Command

    @property
    def best(self) -> list[tuple[Trial | None, ...]]:
        """The best trial of every search, seed by seed; None if all of them failed."""
        return [tuple(map(best_trial, searches)) for searches in self.seeds]

    @property
    def values(self) -> tuple[float, ...]:
        """The number of every seed; nan if a search has none."""
        return tuple(map(_number, self.best))


def judge_searches(claim: SearchClaim, trials: Sequence[Trial], base: Command) -> Verdict:
    """Judge a claim by the searches of its samplers, every seed by the claim's bounds."""
    needed = [trial for trial in trials if _is_needed(claim, trial)]
    if not needed:
        first, *_ = claim.commands(base)
        reason = f"make the searches with: {first}"
        return Verdict(VerdictName.MISSING, UNKNOWN, reason, insufficient=True)
    evidence = _evidence(claim, needed, base)
    values, by_seed = evidence.values, _by_seed(evidence)
    best = tuple(trial for searches in evidence.best for trial in searches if trial is not None)
    average_of = mean if claim.needs.against else geometric_mean
    word, ours = count_within(values, claim.expect, average_of)
    if reason := next(filter(None, (reason(evidence) for reason in _REASONS)), ""):
        shown = UNKNOWN if all(map(isnan, values)) else ours
        word, ours = VerdictName.INCONCLUSIVE, shown
        return Verdict(word, ours, reason, values, True, trials=best, seeds=by_seed)
    reason = f"{describe_seeds(word, values, claim.expect)}; {_named(best)}"
    return Verdict(word, ours, reason, values, trials=best, seeds=by_seed)


def _by_seed(evidence: SearchEvidence) -> tuple[SeedValue, ...]:
    """Return the best loss of every sampler, seed by seed, where a search has one."""
    pairs = zip(evidence.best, evidence.values, strict=True)
    samplers = evidence.claim.needs.samplers
    return tuple(
        SeedValue(known[0].seed, dict(zip(samplers, map(_loss, best), strict=True)), value)
        for best, value in pairs
        if (known := [trial for trial in best if trial is not None])
    )


def _loss(trial: Trial | None) -> float:
    return nan if trial is None or trial.loss is None else trial.loss


def _is_needed(claim: SearchClaim, trial: Trial) -> bool:
    needs = claim.needs
    is_model = needs.model in (None, trial.model) and needs.T in (None, trial.T)
    return is_model and trial.sampler in needs.samplers


def _evidence(claim: SearchClaim, trials: Sequence[Trial], base: Command) -> SearchEvidence:
    """Return the searches of one model at one length, those of a seed together."""
    model, T = trials[0].model, trials[0].T
    known = sorted({trial.seed for trial in trials})
    seeds, lacking = [], []
    for seed in sorted({*known, *range(claim.needs.seeds)}):
        searches = {s: of_search(trials, (model, T, s, seed)) for s in claim.needs.samplers}
        kept = [up_to_cost(claim, search) for search in searches.values()]
        complete = tuple(search for search in kept if search is not None)
        if len(complete) == len(kept):
            seeds.append(complete)
        short = [s for s, search in zip(searches, kept, strict=True) if search is None]
        lacking += [(sampler, seed, searches[sampler]) for sampler in short]
    return SearchEvidence(claim, trials, seeds, lacking, base)


def up_to_cost(claim: SearchClaim, search: Sequence[Trial]) -> list[Trial] | None:
    """Return the trials of a search within the claim's cost; None if it has not got there."""
    count, updates = claim.quantity.trials, claim.quantity.updates
    if updates is None:
        first = _first(search, count)
        return first if len(first) == count else None
    totals = list(accumulate(trial.updates for trial in search))
    if not totals or totals[-1] < updates:
        return None
    return [trial for trial, total in zip(search, totals, strict=True) if total <= updates]


def _first(search: Sequence[Trial], count: int | None) -> list[Trial]:
    """Return the trials of the lowest numbers, of which some may be missing."""
    return [trial for trial in search if count is not None and trial.trial < count]


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the first of the trials with the lowest loss; None if none has one."""
    known = [trial for trial in trials if trial.loss is not None]
    return min(known, key=lambda trial: (trial.loss, trial.trial), default=None)


def _number(best: Sequence[Trial | None]) -> float:
    """Return the loss of a trial, or the logarithm of the ratio of two."""
    losses = [trial.loss for trial in best if trial is not None and trial.loss is not None]
    if len(losses) < len(best):
        return nan
    if len(losses) == 1:
        return losses[0]
    return log(losses[0] / losses[1]) if min(losses) > 0 else nan


def _named(best: Sequence[Trial]) -> str:
    """Return which trial of every search was the best."""
    names = (f"{trial.sampler} {trial.seed}: trial {trial.trial}" for trial in best)
    return f"best of sampler and seed: {', '.join(names)}"


def _several(evidence: SearchEvidence) -> str:
    searched = sorted({(trial.model, trial.T) for trial in evidence.trials})
    if len(searched) == 1:
        return ""
    names = "; ".join(f"{model} at T = {T}" for model, T in searched)
    return f"there are searches of {names}; give 'model' and 'T' in 'needs'"


def _too_few(evidence: SearchEvidence) -> str:
    needed, count = evidence.claim.needs.seeds, len(evidence.seeds)
    if count >= needed:
        return ""
    sampler, seed, search = evidence.lacking[0]
    command = evidence.claim.command(evidence.base, sampler, seed, _trials_needed(evidence, search))
    return f"{count} of {needed} seeds; {_progress(evidence, sampler, seed, search)}: {command}"


def _progress(evidence: SearchEvidence, sampler: str, seed: int, search: Sequence[Trial]) -> str:
    """Return how far a search has got."""
    count, updates = evidence.claim.quantity.trials, evidence.claim.quantity.updates
    if updates is not None:
        done = f"{sum(trial.updates for trial in search):,} of {updates:,} updates"
    else:
        done = f"{len(_first(search, count)):,} of {count:,} trials"
    return f"the search {sampler} {seed} has {done}; go on with"


def _trials_needed(evidence: SearchEvidence, search: Sequence[Trial]) -> int | None:
    """Return how many trials a search needs; for updates, by what its trials cost so far."""
    quantity, cost = evidence.claim.quantity, sum(trial.updates for trial in search)
    if quantity.updates is None or not cost:
        return quantity.trials
    return ceil(quantity.updates * len(search) / cost)


def _other_seeds(evidence: SearchEvidence) -> str:
    used = {trial.seeds for searches in evidence.seeds for search in searches for trial in search}
    if len(used) <= 1:
        return ""
    names = " and ".join(", ".join(map(str, seeds)) for seeds in sorted(used))
    return f"trials were trained with different seeds: {names}"


def _missing_values(evidence: SearchEvidence) -> str:
    missing = sum(map(isnan, evidence.values))
    if not missing:
        return ""
    is_lacking = any(trial is None for searches in evidence.best for trial in searches)
    reason = "every trial of a search has failed" if is_lacking else "a loss has no logarithm"
    return f"{missing} of {len(evidence.values)} seeds: {reason}"


# in the order in which a user has to mend them
_REASONS: Sequence[Callable[[SearchEvidence], str]] = (
    _several,
    _too_few,
    _other_seeds,
    _missing_values,
)
