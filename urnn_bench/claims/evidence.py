"""Why runs may not be enough to decide a claim: too few, too short, or without the quantity."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isnan

from urnn_bench.claims.quantities import Run
from urnn_bench.claims.schema import Claim
from urnn_bench.errors import near_miss
from urnn_bench.proposals import Command
from urnn_bench.records.record import DIVERGED, SOLVED, Record


@dataclass(frozen=True)
class Evidence:
    """The runs that a claim is judged by, seed by seed, and the value of every seed.

    ``command`` makes the runs that it needs.
    """

    claim: Claim
    seeds: Sequence[tuple[Run, ...]]
    values: Sequence[float]
    command: Command

    @property
    def records(self) -> list[Record]:
        """The records of all models and seeds."""
        return [record for runs in self.seeds for _, record in runs]


def insufficient_reason(evidence: Evidence) -> str:
    """Return why runs do not decide a claim, the first reason that holds, or nothing."""
    return next(filter(None, (reason(evidence) for reason in _REASONS)), "")


def trained_long_enough(records: Sequence[Record], updates: int) -> bool:
    """Return whether runs were trained for so many updates, or ended before by themselves."""
    return all(r.steps_done >= updates or _ended_by_itself(r) for r in records)


def _ended_by_itself(record: Record) -> bool:
    return record.status in (SOLVED, DIVERGED) or record.is_closed_form


def _unknown_metric(evidence: Evidence) -> str:
    metric = evidence.claim.quantity.metric
    known = {name for record in evidence.records for name in record.test or {}}
    if metric is None or metric in known or not known:
        return ""
    hint = near_miss(metric, known) or f"; there are: {', '.join(sorted(known))}"
    return f"no metric is called '{metric}'{hint}"


def _no_solved_criterion(evidence: Evidence) -> str:
    needs_solved = evidence.claim.quantity.measurement.needs_solved
    if not needs_solved or all(record.run.fit.solved for record in evidence.records):
        return ""
    benchmark = evidence.records[0].run.benchmark
    return f"'{benchmark}' does not say when it is solved; give it fit.solved"


def _wrong_updates(evidence: Evidence) -> str:
    updates = evidence.claim.updates
    if updates is None or (trained := _other_updates(evidence, updates)) is None:
        return ""
    command = f"the claim's: {_command_of(evidence, updates)}"
    return f"trained for {trained:,} updates instead of {updates:,}; {command}"


def _command_of(evidence: Evidence, updates: int) -> Command:
    """Return the command with a number of updates, which a run in stages has in its file."""
    if any(record.run.stages for record in evidence.records):
        return evidence.command
    return replace(evidence.command, updates=updates)


def _other_updates(evidence: Evidence, updates: int) -> int | None:
    """Return for how many updates a run was trained that says nothing of the claim's number.

    The test score is that of the best weights of the whole training, so not of a shorter one.
    """
    steps = [record.steps_done for record in evidence.records]
    longer = [step for step in steps if step > updates]
    if evidence.claim.quantity.measurement.covers_whole_training and longer:
        return longer[0]
    too_short = (r for r in evidence.records if not trained_long_enough([r], updates))
    return next((record.steps_done for record in too_short), None)


def _too_few_seeds(evidence: Evidence) -> str:
    needs, count = evidence.claim.needs, len(evidence.seeds)
    if count >= needs.seeds:
        return ""
    return f"{count} of {needs.seeds} seeds; more with: {evidence.command}"


def _diverged_early(evidence: Evidence) -> str:
    # a diverged run has not solved its task; one that had gone on might have
    if evidence.claim.expect.every:
        return ""
    updates = evidence.claim.updates
    seeds = [
        str(record.run.seed)
        for record in evidence.records
        if record.status == DIVERGED and (updates is None or record.steps_done < updates)
    ]
    return f"seed {', '.join(seeds)} diverged" if seeds else ""


def _stopped_early(evidence: Evidence) -> str:
    """Name the seeds that stopped as solved, above a bound that they might have got below."""
    claim, quantity = evidence.claim, evidence.claim.quantity
    bound, updates = claim.expect.below, quantity.until or claim.updates
    improves = quantity.measurement.improves_with_training
    if bound is None or updates is None or claim.needs.against or not improves:
        return ""
    pairs = zip(evidence.seeds, evidence.values, strict=True)
    above = [record for ((_, record), *_), value in pairs if value >= bound]
    early = [r for r in above if r.status == SOLVED and r.steps_done < updates]
    # a loss falls, an accuracy does not
    seeds = [str(r.run.seed) for r in early if quantity.metric in (None, r.criterion)]
    if not seeds:
        return ""
    return f"seed {', '.join(seeds)} stopped as solved, before the last update, and might be lower"


def _missing_values(evidence: Evidence) -> str:
    claim, missing = evidence.claim, sum(map(isnan, evidence.values))
    if not missing:
        return ""
    measurement = claim.quantity.measurement
    probed = all(record.run.probes for record in evidence.records)
    reason = measurement.missing_reason
    if measurement.needs_probes and not probed:
        reason = f"not probed; probe them with: {evidence.command.with_probes()}"
    return f"{missing} of {len(evidence.values)} seeds: {reason}"


# in the order in which a user has to mend them
_REASONS: Sequence[Callable[[Evidence], str]] = (
    _unknown_metric,
    _no_solved_criterion,
    _wrong_updates,
    _too_few_seeds,
    _diverged_early,
    _stopped_early,
    _missing_values,
)
