"""Claims against records: reproduced, not reproduced, inconclusive, or missing."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, isnan
from typing import Literal

from urnn_bench.analysis.compare import check_data
from urnn_bench.analysis.results import one_per_seed, settings_of, training_of
from urnn_bench.analysis.statistics import Interval, geometric_mean, mean, proportion
from urnn_bench.claims.quantities import Run, value_of
from urnn_bench.claims.schema import Claim, Expected, Quantity
from urnn_bench.errors import near_miss
from urnn_bench.records.record import FINAL, Record
from urnn_bench.spec.sweep import UnresolvedRun

VerdictName = Literal[
    "reproduced", "not reproduced", "explained by the control", "inconclusive", "missing"
]
_WIDEST = 1e3
# seeds whose interval says less than their values
_TOO_FEW = 2


@dataclass(frozen=True)
class Verdict:
    """What our runs say of a claim, with our value; ``insufficient`` if runs are missing."""

    word: VerdictName
    ours: str
    reason: str
    values: tuple[float, ...] = ()
    insufficient: bool = False


def judge(claim: Claim, found: Sequence[Run], drafts: Sequence[UnresolvedRun] = ()) -> Verdict:
    """Judge a claim by what it needs of its benchmark's runs, every seed by the claim's bounds.

    ``drafts`` are what the benchmark's file asks for now, if it is known: what an earlier version
    of it asked for is not judged, as far as the file itself tells. Raises UsageError if models were
    shown different data.
    """
    seeds, others = _runs(claim, found, drafts)
    if not seeds:
        aside = f" ({others} with other settings are not judged)" if others else ""
        text = f"make the runs with: {claim.needs.command}{aside}"
        return Verdict("missing", "-", text, insufficient=True)
    values = tuple(_of_seed(claim, runs) for runs in seeds)
    if claim.expect.every is not None:
        word, ours = _all_or_none(values, claim.expect.every)
    else:
        (_, record), *_ = seeds[0]
        # differences, and scores that are no loss, such as an accuracy
        plain = claim.needs.against or claim.quantity.metric not in (None, record.criterion)
        word, ours = _against(values, claim.expect, mean if plain else geometric_mean)
    reason = _short(claim, seeds, values)
    if reason:
        none = all(map(isnan, values))
        return Verdict("inconclusive", "-" if none else ours, reason, values, insufficient=True)
    return Verdict(word, ours, _count(word, values), values)


def _count(word: VerdictName, values: Sequence[float]) -> str:
    seeds = f"{len(values)} seeds"
    if word == "inconclusive":
        seeds += " disagree: " + ", ".join(f"{value:.3g}" for value in values)
    return seeds


def _runs(
    claim: Claim, found: Sequence[Run], drafts: Sequence[UnresolvedRun]
) -> tuple[list[tuple[Run, ...]], int]:
    """Return the ended runs of a claim's models at its length, seed by seed; count the others.

    A run that was asked for with settings of its own is not the paper's, other than of how many
    updates; probes change nothing.
    """
    needs = claim.needs
    at = [(f, r) for f, r in found if r.run.T == needs.T]
    ended = [(f, r) for f, r in one_per_seed(at) if r.status in FINAL]
    plain = [(f, r) for f, r in ended if _only_longer(r) and _asked_for(r, drafts)]
    chosen = _one_protocol(plain, needs.seeds, claim.updates)
    _check([record for _, record in chosen.values()])
    seeds = [seed for label, seed in chosen if label == needs.model]
    whole = [s for s in seeds if all((model, s) in chosen for model in needs.models)]
    runs = [tuple(chosen[model, seed] for model in needs.models) for seed in whole]
    kept = {f for f, _ in plain}
    return runs, sum(r.run.label in needs.models for f, r in ended if f not in kept)


def _asked_for(record: Record, drafts: Sequence[UnresolvedRun]) -> bool:
    run = record.run
    same = [d for d in drafts if (d.label, d.T) == (run.label, run.T)]
    return not drafts or any(draft.describes(run) for draft in same)


def _only_longer(record: Record) -> bool:
    return all(text.startswith("fit.steps=") for text in settings_of(record))


def _one_protocol(
    runs: Sequence[Run], seeds: int, updates: int | None
) -> dict[tuple[str, int], Run]:
    """Return one run for each model and seed, of one protocol a model.

    Of several the one that was trained for long enough, then that of enough seeds, then the
    shortest, then the one asked for last.
    """
    groups: dict[tuple[str, Hashable], list[Run]] = {}
    for folder, record in runs:
        groups.setdefault((record.run.label, training_of(record)), []).append((folder, record))

    def rank(group: list[Run]) -> tuple[bool, int, int, str]:
        steps = min(r.steps_done for _, r in group)
        long = updates is None or _reached([r for _, r in group], updates)
        return long, min(len(group), seeds), -steps, max(r.asked for _, r in group)

    ranked = sorted(groups.items(), key=lambda item: rank(item[1]))
    best = {label: group for (label, _), group in ranked}
    return {(r.run.label, r.run.seed): (f, r) for group in best.values() for f, r in group}


def _check(records: Sequence[Record]) -> None:
    """Raise UsageError if runs of one length and seed were not shown the same data."""
    for one, two in combinations(records, 2):
        if one.run.seed == two.run.seed and one.fingerprint and two.fingerprint:
            check_data(one, two)


def _short(claim: Claim, seeds: Sequence[tuple[Run, ...]], values: Sequence[float]) -> str:
    """Return why these runs are too few, too short or without the quantity, or nothing."""
    needs, updates = claim.needs, claim.updates
    found = [record for runs in seeds for _, record in runs]
    if unknown := _unknown(claim.quantity.metric, found) or _unsought(claim.quantity, found):
        return unknown
    if updates is not None and (other := _other_length(claim.quantity, found, updates)):
        more = f"the claim's: {needs.command} --updates {updates}"
        return f"trained for {other:,} updates instead of {updates:,}; {more}"
    if len(seeds) < needs.seeds:
        return f"{len(seeds)} of {needs.seeds} seeds; more with: {needs.command}"
    # a diverged run has not solved its task, which says nothing of one that had gone on
    if not claim.expect.every and (diverged := _diverged(found, updates)):
        return f"seed {diverged} diverged"
    if stopped := _stopped(claim, seeds, values):
        return f"seed {stopped} stopped as solved, before the last update, and might be lower"
    if lacking := sum(map(isnan, values)):
        return f"{lacking} of {len(values)} seeds: {_lacking(claim, found)}"
    return ""


def _lacking(claim: Claim, found: Sequence[Record]) -> str:
    """Return why runs have no such number."""
    quantity = claim.quantity
    if quantity.of == "solved_step":
        return "neither model has solved the task"
    if quantity.of != "probe":
        until = f" within {quantity.until:,} updates" if quantity.until else ""
        return f"no score on {quantity.of}{until}"
    if not all(record.run.probes for record in found):
        return f"not looked into; see: {claim.needs.command} --probe"
    asked = f"'{quantity.probe}' of '{quantity.state}'"
    return f"no number of {asked} was read after {quantity.update:,} updates at the time asked for"


def _reached(found: Sequence[Record], updates: int) -> bool:
    """Return whether runs were trained for so many updates, or ended by themselves."""
    return all(r.steps_done >= updates or r.status != "done" for r in found)


def _other_length(quantity: Quantity, found: Sequence[Record], updates: int) -> int | None:
    """Return for how many updates runs were trained that say nothing of the claim's number.

    The score on test is that of the best weights of all of training, so of no shorter one.
    """
    if quantity.of == "test" and (late := [r for r in found if r.steps_done > updates]):
        return late[0].steps_done
    return next((r.steps_done for r in found if not _reached([r], updates)), None)


def _unknown(metric: str | None, found: Sequence[Record]) -> str:
    known = {name for record in found for name in record.test or {}}
    if metric is None or metric in known or not known:
        return ""
    hint = near_miss(metric, known) or f"; there are: {', '.join(sorted(known))}"
    return f"no metric is called '{metric}'{hint}"


def _unsought(quantity: Quantity, found: Sequence[Record]) -> str:
    if not quantity.of.startswith("solved") or all(r.run.fit.solved for r in found):
        return ""
    return f"'{found[0].run.benchmark}' does not say when it is solved; give it fit.solved"


def _stopped(claim: Claim, seeds: Sequence[tuple[Run, ...]], values: Sequence[float]) -> str:
    """Name the seeds of solved runs that ended above a bound, with updates left to get below it."""
    bound, quantity = claim.expect.below, claim.quantity
    updates = quantity.until or claim.updates
    scored = quantity.of in ("validation", "test")
    if bound is None or updates is None or claim.needs.against or not scored:
        return ""
    above = [r for ((_, r), *_), value in zip(seeds, values, strict=True) if value >= bound]
    early = [r for r in above if r.status == "solved" and r.steps_done < updates]
    # a loss falls, an accuracy does not
    losses = [r for r in early if quantity.metric in (None, r.criterion)]
    return ", ".join(str(r.run.seed) for r in losses)


def _diverged(found: Sequence[Record], updates: int | None) -> str:
    """Name the seeds of runs that diverged before the last update that matters."""
    lost = [r for r in found if r.status == "diverged"]
    return ", ".join(str(r.run.seed) for r in lost if updates is None or r.steps_done < updates)


def _of_seed(claim: Claim, runs: tuple[Run, ...]) -> float:
    """Return a model's number, less that of the model it is set against."""
    first, *others = (value_of(claim.quantity, run, claim.needs.updates) for run in runs)
    return first - sum(others)


def _all_or_none(values: Sequence[float], every: bool) -> tuple[VerdictName, str]:
    solved, count = int(sum(values)), len(values)
    share = proportion(solved, count)
    ours = f"{solved} of {count} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"
    wanted = count if every else 0
    if solved == wanted:
        return "reproduced", ours
    return ("not reproduced" if solved == count - wanted else "inconclusive"), ours


def _apart(found: Interval) -> bool:
    """Return whether an interval is so wide that the values themselves say more."""
    return found.low > 0 and found.high > _WIDEST * found.low


def _against(
    values: Sequence[float], expected: Expected, middle: Callable[[Sequence[float]], Interval]
) -> tuple[VerdictName, str]:
    """Ask of every seed whether it is within the bounds; all, none, or undecided.

    Their mean with its interval is shown beside, where there is one.
    """
    found = middle(values)
    ours = ", ".join(f"{value:.3g}" for value in values)
    if len(values) > _TOO_FEW and isfinite(found.low) and not _apart(found):
        ours = f"{found.value:.3g} ({found.low:.3g} to {found.high:.3g})"
    within = [expected.allows(value) for value in values]
    if all(within):
        return "reproduced", ours
    return ("inconclusive" if any(within) else "not reproduced"), ours
