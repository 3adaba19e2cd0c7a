"""Claims against their controls: whether a gain needs what the claim says it comes from."""

from collections.abc import Sequence
from dataclasses import replace

from urnn_bench.claims.quantities import Run
from urnn_bench.claims.schema import Claim
from urnn_bench.claims.verdicts import Verdict, judge
from urnn_bench.spec.sweep import UnresolvedRun


def judge_controlled(
    claim: Claim, runs: Sequence[Run], drafts: Sequence[UnresolvedRun] = ()
) -> Verdict:
    """Judge a claim; one that holds for a control as well is explained by that.

    It is not if the model meets the same bounds against the control, seed by seed. A control whose
    runs are lacking leaves the claim inconclusive. Raises UsageError as ``judge`` does.
    """
    found = judge(claim, runs, drafts)
    if found.word != "reproduced":
        return found
    for control in claim.needs.controls:
        alone = judge(_needing(claim, model=control), runs, drafts)
        if alone.insufficient:
            reason = f"the control '{control}' is lacking; {alone.reason}"
            return replace(found, word="inconclusive", reason=reason)
        ahead = judge(_needing(claim, against=control), runs, drafts)
        if alone.word == "reproduced" and ahead.word != "reproduced":
            reason = f"{found.reason}; '{control}' has {alone.ours}"
            return replace(found, word="explained by the control", reason=reason)
    return found


def _needing(claim: Claim, **changed: str) -> Claim:
    needs = claim.needs.model_copy(update={**changed, "controls": ()})
    return claim.model_copy(update={"needs": needs})
