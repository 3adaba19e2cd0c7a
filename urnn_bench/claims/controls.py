"""Claims against their controls: whether a gain needs the thing that the claim credits."""

from collections.abc import Sequence
from dataclasses import replace

from urnn_bench.claims.quantities import Run
from urnn_bench.claims.schema import Claim
from urnn_bench.claims.verdicts import Verdict, VerdictName, judge
from urnn_bench.proposals import Command
from urnn_bench.spec.sweep import UnresolvedRun


def judge_controlled(
    claim: Claim,
    runs: Sequence[Run],
    drafts: Sequence[UnresolvedRun] = (),
    base: Command | None = None,
) -> Verdict:
    """Judge a claim; if it also holds for a control, the control explains it.

    It does not if the model meets the same bounds against the control, seed by seed. A control
    without enough runs leaves the claim inconclusive. Raises UsageError as ``judge`` does.
    """
    verdict = judge(claim, runs, drafts, base)
    if verdict.word is not VerdictName.REPRODUCED:
        return verdict
    judged: dict[str, Verdict] = {}
    against: dict[str, Verdict] = {}
    for control in claim.needs.controls:
        of_control = judge(_with_needs(claim, model=control), runs, drafts, base)
        judged[control] = of_control
        verdict = replace(verdict, controls=dict(judged))
        if of_control.insufficient:
            reason = f"the control '{control}' is lacking; {of_control.reason}"
            return replace(verdict, word=VerdictName.INCONCLUSIVE, reason=reason)
        against_control = judge(_with_needs(claim, against=control), runs, drafts, base)
        against[control] = against_control
        verdict = replace(verdict, against_controls=dict(against))
        is_ahead = against_control.word is VerdictName.REPRODUCED
        if of_control.word is VerdictName.REPRODUCED and not is_ahead:
            reason = _why_explained(claim, control, of_control, against_control)
            return replace(verdict, word=VerdictName.EXPLAINED, reason=reason)
    return verdict


def _why_explained(claim: Claim, control: str, of_control: Verdict, against: Verdict) -> str:
    """Return that the control meets the bounds too, and in which seeds the model is ahead of it."""
    bound, model = claim.expect.text, claim.needs.model
    seeds = [str(seed.seed) for seed in against.seeds if claim.expect.allows(seed.value)]
    plural = "s" if len(seeds) > 1 else ""
    where = f"only in seed{plural} {' and '.join(seeds)}" if seeds else "in no seed"
    return (
        f"every seed is {bound}, but so is every seed of '{control}', which has {of_control.ours}; "
        f"{model} - {control} is {bound} {where}"
    )


def _with_needs(claim: Claim, **changed: str) -> Claim:
    needs = claim.needs.model_copy(update={**changed, "controls": ()})
    return claim.model_copy(update={"needs": needs})
